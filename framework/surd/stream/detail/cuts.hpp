// How jobs are cut into units.
#pragma once

#include <cstdint>

#include "surd/stream/compile.hpp"
#include "surd/stream/detail/bind.hpp"

namespace surd::stream::detail {

/// @throws UsageError  if memory is below the least.
[[nodiscard]] Cut choose_cut(std::uint64_t input_bytes, const CompileOptions& options);
[[nodiscard]] Cut choose_cut(const BoundQuery& query, const CompileOptions& options);
/// Below it no job of the query is planned.
[[nodiscard]] std::uint64_t least_memory(const BoundQuery& query);
/// With the square root of the input's size, if no memory is given.
[[nodiscard]] CompileOptions with_memory(CompileOptions options, std::uint64_t input_bytes);
/// @throws UsageError  if a job has too little memory for so many columns in its output.
void refuse_wide_output(const table::OutputSpec& output, const BoundQuery& query, const Cut& cut);
/// @throws UsageError  if a job that was begun with `cut` has less memory now.
void refuse_less_memory(const Cut& cut, const CompileOptions& options);

}  // namespace surd::stream::detail
