/// What a disk was asked to do, in order, and what a power cut may have left of it.
///
/// recorder.cpp stands before the C library: this program's own open, write, sync, rename and so on, and SQLite's, go
/// through it. Below the watched directory each is done and noted. From the notes, the directory as it may be after a
/// cut at any point is made anew elsewhere.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace muster::powercut {

/// Begins to note what happens to files below `directory` (absolute). What was noted before is forgotten.
void beginRecording(const std::string& directory);
void endRecording();

/// How many operations were noted so far. @thread any
std::uint64_t operations();

/// Makes in `target` (an empty directory) what may be there after a cut just before operation `cut`:
/// - what a file's own sync covered is there, whole; so is a write that synced itself, and only that write;
/// - of every later write, each 512 octets are there or not, as the dice say; so the order is any;
/// - a truncation that was not synced happened or not;
/// - names (made, renamed, removed) are there up to some point after the last sync of the directory or of a file in it.
void makeImage(std::uint64_t cut, const std::string& target, std::mt19937_64& dice);

}  // namespace muster::powercut
