// What is behind a Dimension: a form (one axis, a zip, a sample), and the axes that forms are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/sweep/dimension.hpp"

namespace surd::sweep {

/// What a Dimension holds.
class Dimension::Form {
 public:
  Form(std::string name, std::vector<std::string> axes, std::uint64_t size)
      : name_(std::move(name)), axes_(std::move(axes)), size_(size) {}
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  virtual ~Form() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<std::string>& axes() const noexcept { return axes_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  [[nodiscard]] virtual Value value(std::size_t axis, std::uint64_t index) const = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> find(std::span<const Value> values) const = 0;
  [[nodiscard]] virtual base::Json describe() const = 0;

 private:
  std::string name_;
  std::vector<std::string> axes_;
  std::uint64_t size_;
};

}  // namespace surd::sweep

namespace surd::sweep::detail {

/// The values of one axis, numbered from 0.
class Axis {
 public:
  explicit Axis(std::uint64_t size) noexcept : size_(size) {}
  Axis(const Axis&) = delete;
  Axis& operator=(const Axis&) = delete;
  virtual ~Axis() = default;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] virtual Value value(std::uint64_t index) const = 0;
  /// The index of a value that is the same, nullopt if there is none. Of a list with equal values, any of
  /// them.
  [[nodiscard]] virtual std::optional<std::uint64_t> find(const Value& value) const = 0;
  [[nodiscard]] virtual base::Json describe() const = 0;
  /// No two values are the same.
  [[nodiscard]] virtual bool distinct() const noexcept { return true; }

 private:
  std::uint64_t size_;
};

/// {linspace: ...}, {logspace: ...}, {range: ...}: computed from the index, never equal.
/// @throws SpecError
[[nodiscard]] std::unique_ptr<Axis> parse_linspace(const base::Spec& spec);
[[nodiscard]] std::unique_ptr<Axis> parse_logspace(const base::Spec& spec);
[[nodiscard]] std::unique_ptr<Axis> parse_range(const base::Spec& spec);

/// Values one by one. @throws SpecError  if there are none, or of several kinds.
[[nodiscard]] std::unique_ptr<Axis> parse_list(const base::Spec& spec);

/// {sample: ...}. @throws SpecError
[[nodiscard]] std::shared_ptr<const Dimension::Form> parse_sample(const std::string& name,
                                                                  const base::Spec& spec);

/// An axis is a dataset of the output and a placeholder of commands.
/// @throws SpecError  if it cannot be called `name`.
void check_name(const std::string& name, const base::Spec& spec);

/// A number as float, nullopt if it is none.
[[nodiscard]] std::optional<double> as_double(const Value& value) noexcept;

}  // namespace surd::sweep::detail
