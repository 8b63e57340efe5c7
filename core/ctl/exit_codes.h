/// How musterctl ends; musterctl(1) says the same.
#pragma once

namespace muster::ctl {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;      ///< the daemon said no, and why
inline constexpr int kUsage = 2;        ///< the command line is wrong
inline constexpr int kUnreachable = 3;  ///< no daemon answers, or the socket may not be opened
inline constexpr int kNotConfirmed = 4;
inline constexpr int kBroken = 5;  ///< the connection or the answer broke

}  // namespace muster::ctl
