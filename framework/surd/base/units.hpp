// Sizes and durations as people write them: 512MiB, 1.5GB, 90s, 2h30m, 04:00:00.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace surd::base {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

/// Parses "4096", "64KiB", "1.5 GB" (powers of 1000), "2G" (powers of 1024, as Slurm). Bytes.
/// @throws UsageError  if it is not a size, negative, or beyond 2^63.
[[nodiscard]] std::uint64_t parse_bytes(std::string_view text);

/// "1.50 GiB"; exact below 1 KiB.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// Parses "1.5" (seconds), "250ms", "90s", "10m", "2h30m", "1d", and Slurm's "MM:SS", "HH:MM:SS",
/// "D-HH:MM:SS". Seconds.
/// @throws UsageError  if it is not a duration or negative.
[[nodiscard]] double parse_seconds(std::string_view text);

/// "350 us", "12.3 s", "4 min 05 s", "2 h 10 min", "3 d 4 h".
[[nodiscard]] std::string format_seconds(double seconds);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string format_count(std::uint64_t count);

}  // namespace surd::base
