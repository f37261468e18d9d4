// libFuzzer's entry to the job parser; built with SURD_FUZZ.
#include <cstddef>
#include <cstdint>
#include <string>

#include "surd/batch/job.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<surd::sweep::Function> functions{surd::sweep::function("f", {})};
  try {
    (void)surd::batch::parse_job(std::string(reinterpret_cast<const char*>(data), size), "fuzz.yaml", {},
                                 functions);
  } catch (const surd::batch::JobError&) {
    return 0;
  }
  return 0;
}
