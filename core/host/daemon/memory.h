/// What was freed and what the allocator still holds.
#pragma once

namespace muster::daemon {

/// Gives the kernel back every whole page that nobody uses. glibc keeps one heap for nearly every thread, and each of
/// them keeps the most that its thread ever needed at once. Below a millisecond for a heap of some MiB.
/// @thread any but a reactor that serves: who allocates meanwhile may wait for it
void giveBackMemory() noexcept;

}  // namespace muster::daemon
