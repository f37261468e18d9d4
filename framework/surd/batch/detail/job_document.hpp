// The text of a job file with --set applied, which knows where each of its values was written. Private to
// batch/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/base/spec.hpp"
#include "surd/batch/yaml.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch::detail {

class JobDocument {
 public:
  /// `file` is empty for a text that the user never saw: errors show no lines of it.
  /// @throws JobError  if the text or a setting is no YAML, or a setting names no place.
  JobDocument(const std::string& text, const storage::Path& file, std::span<const std::string> settings);

  [[nodiscard]] const base::Json& root() const noexcept { return root_; }
  /// The text, with the settings as comments at its end.
  [[nodiscard]] std::string annotated_text() const;

  /// @throws JobError  that shows the place of `error` in the file, or names the --set it comes from.
  [[noreturn]] void fail(const base::SpecError& error) const;

 private:
  struct Setting {
    std::string text;  ///< As given: "axes.L=[1, 2]".
    std::string path;  ///< "axes.L"
  };

  void apply(const std::string& setting);
  [[nodiscard]] const Setting* setting_behind(const std::string& path) const;
  [[noreturn]] void fail_at(Place place, const std::string& message) const;

  const std::string& text_;
  const storage::Path& file_;
  std::vector<Setting> settings_;
  base::Json root_;
};

}  // namespace surd::batch::detail
