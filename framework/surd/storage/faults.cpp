#include "surd/storage/faults.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::storage {
namespace {

enum class Action { kill, after, torn, fail };

struct Fault {
  Action action;
  int code = 0;          ///< errno of Action::fail.
  std::uint64_t at = 0;  ///< Acts at this operation, counted from 1.
  std::string path_part;
};

[[noreturn]] void die() noexcept {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

[[noreturn]] void fail_form(std::string_view text) {
  throw base::UsageError(fmt::format(
      "SURD_FAULT={}: expected kill|after|torn|enospc|eio@<k>[:<substring>][#<rank>], k from 1", text));
}

std::uint64_t parse_number(std::string_view digits, std::string_view text) {
  std::uint64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || rest != end) fail_form(text);
  return number;
}

/// The rank that the launcher gave this process, 0 without one.
std::string_view own_rank() {
  for (const char* const name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* const value = std::getenv(name)) return value;
  }
  return "0";
}

Fault parse_action(std::string_view word, std::string_view text) {
  if (word == "kill") return {Action::kill, 0, 0, {}};
  if (word == "after") return {Action::after, 0, 0, {}};
  if (word == "torn") return {Action::torn, 0, 0, {}};
  if (word == "enospc") return {Action::fail, ENOSPC, 0, {}};
  if (word == "eio") return {Action::fail, EIO, 0, {}};
  fail_form(text);
}

std::optional<Fault> parse_environment() {
  const char* const value = std::getenv("SURD_FAULT");
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string_view text = value;
  auto rest = text;
  std::string_view rank;
  if (const auto hash = rest.rfind('#'); hash != std::string_view::npos) {
    rank = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  const auto sign = rest.find('@');
  if (sign == std::string_view::npos) fail_form(text);
  auto fault = parse_action(rest.substr(0, sign), text);
  rest.remove_prefix(sign + 1);
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    fault.path_part = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  fault.at = parse_number(rest, text);
  if (fault.at == 0) fail_form(text);
  if (!rank.empty() && parse_number(rank, text) != parse_number(own_rank(), text)) return std::nullopt;
  return fault;
}

const std::optional<Fault>& fault() {
  static const auto parsed = parse_environment();
  return parsed;
}

std::atomic<std::uint64_t> operations{0};
thread_local bool dies_after = false;

}  // namespace

std::size_t fault_before(std::string_view operation, std::string_view path, std::size_t size) {
  const auto& planned = fault();
  if (!planned || path.find(planned->path_part) == std::string_view::npos) return size;
  const auto number = ++operations;
  if (planned->action == Action::fail && number >= planned->at) {
    throw base::IoError(fmt::format("{} {}: {} (injected by SURD_FAULT)", operation, path,
                                    std::generic_category().message(planned->code)),
                        planned->code);
  }
  if (number != planned->at) return size;
  if (planned->action == Action::kill) die();
  dies_after = true;
  return planned->action == Action::torn ? size / 2 : size;
}

void fault_after() noexcept {
  if (dies_after) die();
}

}  // namespace surd::storage
