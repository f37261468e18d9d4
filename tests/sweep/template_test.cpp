#include "surd/sweep/detail/template.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/sweep/detail/environment.hpp"
#include "surd/sweep/detail/process.hpp"

namespace surd::sweep::detail {
namespace {

using base::Json;
using base::Spec;
using testing::HasSubstr;

Template template_of(const Json& text, bool for_shell = false) {
  return Template(Spec(text, "command.1"), for_shell);
}

std::string render(const std::string& text, const std::string& value = "V") {
  return template_of(text).render([&](const std::string& name) { return name + "=" + value; });
}

std::string why(const std::string& text) {
  try {
    static_cast<void>(template_of(text));
  } catch (const base::SpecError& e) {
    EXPECT_EQ(e.path(), "command.1");
    return e.message();
  }
  return "accepted";
}

/// What /bin/sh makes of `line` with `value` for {v}.
std::string through_shell(const std::string& line, const std::string& value) {
  std::string text = template_of(line, true).render([&](const std::string&) { return value; });
  std::string name = "sh";
  std::string flag = "-c";
  char* const arguments[] = {name.data(), flag.data(), text.data(), nullptr};
  char* const environment[] = {nullptr};
  Launch launch;
  launch.program = "/bin/sh";
  launch.arguments = arguments;
  launch.environment = environment;
  BoundedText output(1000, 1000);
  Supervision supervision;
  supervision.output = &output;
  static_cast<void>(run(launch, supervision));
  return output.whole();
}

TEST(Template, ReplacesPlaceholdersAndUnescapesBraces) {
  EXPECT_EQ(render(""), "");
  EXPECT_EQ(render("plain"), "plain");
  EXPECT_EQ(render("{T}"), "T=V");
  EXPECT_EQ(render("a{T}b{L}{T}c"), "aT=VbL=VT=Vc");
  EXPECT_EQ(render("{{T}}"), "{T}");
  EXPECT_EQ(render("{{{T}}}"), "{T=V}");
  EXPECT_EQ(render("}}{{"), "}{");
  EXPECT_EQ(render("{T}", "{L}"), "T={L}");
}

TEST(Template, NamesItsPlaceholders) {
  EXPECT_THAT(template_of("{b}{a}{b} {{c}}").names(), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(template_of("{{c}}").is_constant());
}

TEST(Template, RefusesBracesWithoutPartner) {
  EXPECT_THAT(why("a{T"), HasSubstr("has a '{' without a '}' at character 2; write {{ for a brace"));
  EXPECT_THAT(why("a}"), HasSubstr("has a '}' without a '{' at character 2; write }} for a brace"));
  EXPECT_THAT(why("{a{b}}"), HasSubstr("at character 1"));
  EXPECT_THAT(why("{{T}"), HasSubstr("has a '}' without a '{' at character 4"));
  EXPECT_THAT(why("{}"), HasSubstr("empty placeholder"));
  EXPECT_THAT(why(std::string("a\0b", 3)), HasSubstr("NUL"));
}

TEST(TemplateForShell, KeepsEveryValueOneWordWhereverItStands) {
  for (const std::string value :
       {"plain", "two words", "it's", "a\"b", "$HOME `id` $(id) \\ !", "", "; echo no", "*", "-1.5e-3",
        "tab\tnew\nline", "{x}", "'", "\"", "\\", "#"}) {
    EXPECT_EQ(through_shell("printf '<%s>' {v}", value), "<" + value + ">");
    EXPECT_EQ(through_shell("printf '<%s>' a{v}b", value), "<a" + value + "b>");
    EXPECT_EQ(through_shell("printf '<%s>' 'a {v}'", value), "<a " + value + ">");
    EXPECT_EQ(through_shell("printf '<%s>' \"a {v}\"", value), "<a " + value + ">");
    EXPECT_EQ(through_shell("printf '<%s>' \"\\\"\"'\"'{v}", value), "<\"\"" + value + ">");
  }
}

TEST(TemplateForShell, LeavesPlainNumbersBare) {
  EXPECT_EQ(template_of("x={v}", true).render([](const std::string&) { return "-1.5e-07"; }), "x=-1.5e-07");
}

TEST(Environment, ForgetsWhatALauncherSet) {
  for (const char* name :
       {"OMPI_COMM_WORLD_RANK", "OMPI_MCA_ess", "PMIX_RANK", "PMI_FD", "PRTE_MCA_x", "HYDRA_X",
        "MPI_LOCALRANKID", "SLURM_STEP_ID", "SLURM_STEPID", "SLURM_PMIXP_ABORT", "SLURM_PROCID"}) {
    EXPECT_TRUE(belongs_to_launcher(name)) << name;
  }
  for (const char* name : {"PATH", "MPI_HOME", "SLURM_JOB_ID", "SLURM_TMPDIR", "OMP_NUM_THREADS", "PMI",
                           "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}) {
    EXPECT_FALSE(belongs_to_launcher(name)) << name;
  }
}

TEST(Environment, SetsEachVariableOnce) {
  ::setenv("SURD_TEST_VARIABLE", "old", 1);
  ::setenv("SURD_SEED", "old", 1);
  const std::vector<std::pair<std::string, std::string>> added{{"SURD_TEST_VARIABLE", "new {T}"}};
  Environment environment(added);
  ::unsetenv("SURD_TEST_VARIABLE");
  ::unsetenv("SURD_SEED");

  const auto* entry = environment.for_point([](const std::string& name) { return name + "1"; }, "cafe", 42);

  std::vector<std::string> found;
  for (; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with("SURD_")) found.emplace_back(*entry);
  }
  EXPECT_THAT(found,
              testing::UnorderedElementsAre("SURD_TEST_VARIABLE=new T1", "SURD_POINT=cafe", "SURD_SEED=42"));
}

}  // namespace
}  // namespace surd::sweep::detail
