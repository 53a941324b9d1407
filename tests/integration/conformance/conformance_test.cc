#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/conformance/conformance_fixture.h"
#include "tests/support/places.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A plugin that breaks the rules it is told to break.
Words Faulty(const Words& faults, const std::string& resource = "example.com/thing") {
  return Words{ProgramFolder() / "faulty-device-plugin", "{plugin-dir}", resource} + faults;
}

// The same of one that registers by a socket in plugins_registry.
Words FaultyInRegistry(const Words& faults, const std::string& resource = "example.com/thing") {
  return Words{ProgramFolder() / "faulty-device-plugin", "{registry-dir}", resource, "registry"} +
         faults;
}

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_F(ConformanceTest, OurPluginKeepsEveryRule) {
  const std::string node = dir_.MakeNode("node/dev/thing0");
  const std::string junit = dir_.path() / "junit.xml";
  const Checked run = Check({"--device", node, "--registrations", "30", "--junit", junit},
                            {ProgramFolder() / "node-device-plugin", "--kubelet-dir",
                             "{kubelet-dir}", "--host-root", dir_.path() / "node", "--plugin",
                             R"({"name":"a","resourceName":"example.com/a","static":{"devices":[
           {"id":"x","numaNodes":[0]},{"id":"y","numaNodes":[1]},
           {"id":"z","healthy":false,"reason":"old"}]},
           "container":{"envs":{"A":"b"},"annotations":{"example.com/a":"b"},
           "cdi":["vendor.example/a=b"]}})",
                             "--plugin",
                             R"({"name":"b","resourceName":"example.com/b",
           "paths":{"groups":[{"paths":[{"path":"/dev/thing*"}]}]}})"});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(Broken(run), IsEmpty()) << run.output;
  // No PreStartContainer in these families; so few registrations tell nothing of memory.
  std::set<std::string> no_occasion = kNotInRegistry;
  no_occasion.insert({"prestart/answers", "growth/memory"});
  EXPECT_EQ(run.With("not-applicable"), no_occasion) << run.output;
  EXPECT_EQ(run.report["resources"], (json{{"example.com/a", 3}, {"example.com/b", 1}}));
  EXPECT_TRUE(std::filesystem::is_fifo(node)) << "the device is back";
  EXPECT_THAT(TextOf(junit), HasSubstr("failures=\"0\""));
  EXPECT_THAT(TextOf(dir_.path() / "plugin.log"), HasSubstr("example.com/a"));
}

TEST_F(ConformanceTest, APluginWithoutAFaultKeepsEveryRule) {
  const Checked run = Check({"--registrations", "25"}, Faulty({}));
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(Broken(run), IsEmpty()) << run.output;
}

TEST_F(ConformanceTest, APluginInTheRegistryKeepsEveryRule) {
  const Checked run = Check({"--registrations", "25"}, FaultyInRegistry({}));
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(Broken(run), IsEmpty()) << run.output;
  std::set<std::string> register_call;
  for (const std::string& name : run.With("not-applicable")) {
    if (name.starts_with("register/")) register_call.insert(name);
    EXPECT_FALSE(name.starts_with("registry/")) << name << run.output;
  }
  EXPECT_EQ(register_call.size(), 8u) << "it calls none: " << run.output;
  EXPECT_THAT(run.With("not-applicable"), Contains("slow-kubelet/registers"));
  for (const char* played :
       {"restart/registers-again", "stream/registers-again", "socket/serves-again",
        "refused/registers-again", "overlap/resource-stays", "start/waits-for-kubelet",
        "growth/descriptors", "stop/ends-streams"}) {
    EXPECT_THAT(run.With("pass"), Contains(played)) << run.output;
  }
}

TEST_F(ConformanceTest, APluginIsToldWhereTheRegistryIs) {
  const Checked run = Check(
      {"--only", "registry"},
      {"/bin/sh", "-c", "exec \"$0\" \"$KUBELET_PLUGINS_REGISTRY\" example.com/thing registry",
       ProgramFolder() / "faulty-device-plugin"});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(run.With("pass"), kNotInRegistry) << run.output;
}

struct Fault {
  const char* name;
  Words topics;
  std::set<std::string> broken;
  Words options = {};
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class FaultTest : public ConformanceTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultTest, IsTheOnlyThingThatIsFound) {
  const Fault& fault = GetParam();
  Words options = fault.options;
  for (const std::string& topic : fault.topics) options = options + Words{"--only", topic};
  const Checked run = Check(options, Faulty({fault.name}));
  EXPECT_EQ(Broken(run, fault.broken), fault.broken) << run.output;
  ASSERT_TRUE(run.report.is_object()) << run.output;
  EXPECT_EQ(run.exit_code, run.report["broken"]["must"] > 0 ? 1 : 0);
  EXPECT_EQ(run.report["passed"], run.exit_code == 0);
}

const Words kAsked = {"register", "list", "allocate", "prestart", "preferred", "process"};
const Words kEnd = {"register", "process", "stop"};
const Words kShort = {"--patience", "4"};

INSTANTIATE_TEST_SUITE_P(
    Each, FaultTest,
    ::testing::Values(
        Fault{"version", {"register"}, {"register/version"}},
        Fault{"options-fail", {"register"}, {"register/options-while-registering"}},
        Fault{"options-differ", {"register"}, {"register/options-agree"}},
        Fault{"duplicate-id", {"list"}, {"list/unique-ids"}},
        Fault{"long-id", {"list"}, {"list/id-length"}},
        Fault{"odd-health", {"list"}, {"list/health-strings"}},
        Fault{"numa", {"list"}, {"list/numa-nodes"}},
        Fault{"repeats", {"list"}, {"list/only-changes"}},
        Fault{"allocate-fails", kAsked, {"allocate/succeeds"}},
        Fault{"allocate-crashes", kAsked, {"allocate/succeeds", "process/survives"}},
        Fault{"two-answers", kAsked, {"allocate/one-answer"}},
        Fault{"no-answer", kAsked, {"allocate/one-answer"}},
        Fault{"relative-path", kAsked, {"allocate/absolute-paths"}},
        Fault{"no-permissions", kAsked, {"allocate/permissions"}},
        Fault{"one-path", kAsked, {"allocate/container-paths"}},
        Fault{"odd-env", kAsked, {"allocate/env-names"}},
        Fault{"odd-annotation", kAsked, {"allocate/annotation-keys"}},
        Fault{"odd-cdi", kAsked, {"allocate/cdi-names"}},
        Fault{"request-order", kAsked, {"allocate/any-order"}},
        Fault{"takes-unknown", kAsked, {"allocate/unknown-id"}},
        Fault{"takes-unhealthy", kAsked, {"allocate/unhealthy-id"}},
        Fault{"pre-start-fails", kAsked, {"prestart/answers"}},
        Fault{"preferred-fails", kAsked, {"preferred/answers"}},
        Fault{"too-few", kAsked, {"preferred/size"}},
        Fault{"twice", kAsked, {"preferred/no-duplicates"}},
        Fault{"not-offered", kAsked, {"preferred/only-offered"}},
        Fault{"forgets-must", kAsked, {"preferred/must-include"}},
        Fault{"first-offered", kAsked, {"preferred/any-order"}},
        Fault{"impossible-crashes", kAsked, {"preferred/impossible"}},
        Fault{"polls", {"restart"}, {"restart/promptly"}},
        Fault{"heedless",
              {"restart"},
              {"restart/registers-again", "restart/promptly", "restart/after-refusals"},
              {"--patience", "2"}},
        Fault{"gives-up", {"refused", "process"}, {"refused/registers-again"}, kShort},
        Fault{"ends-when-refused", {"restart", "refused", "process"}, {"restart/same-process"}},
        Fault{"heedless-of-cancel", {"stream"}, {"stream/registers-again"}, kShort},
        Fault{"heedless-of-socket", {"socket"}, {"socket/serves-again"}, kShort},
        Fault{"fixed-name", {"overlap"}, {"overlap/socket-differs"}},
        Fault{"leaks", {"growth"}, {"growth/descriptors"}, {"--registrations", "30"}},
        Fault{"exits-7", kEnd, {"stop/exit-status"}},
        Fault{"leaves-socket", kEnd, {"stop/removes-socket"}},
        Fault{"ignores-term", kEnd, {"stop/ends-in-time"}},
        Fault{"forks", kEnd, {"stop/leaves-no-process"}}),
    [](const ::testing::TestParamInfo<Fault>& fault) {
      std::string name = fault.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

class RegistryFaultTest : public FaultTest {};

TEST_P(RegistryFaultTest, IsTheOnlyThingThatIsFound) {
  const Fault& fault = GetParam();
  Words options = fault.options;
  for (const std::string& topic : fault.topics) options = options + Words{"--only", topic};
  const Checked run = Check(options, FaultyInRegistry(absl::StrSplit(fault.name, '+')));
  EXPECT_EQ(Broken(run, fault.broken), fault.broken) << run.output;
  ASSERT_TRUE(run.report.is_object()) << run.output;
  EXPECT_EQ(run.exit_code, run.report["broken"]["must"] > 0 ? 1 : 0);
}

const Words kRegistry = {"register", "registry"};

INSTANTIATE_TEST_SUITE_P(
    Each, RegistryFaultTest,
    ::testing::Values(
        Fault{"info-fails", kRegistry, {"registry/info"}},
        Fault{"odd-type", kRegistry, {"registry/type"}},
        Fault{"version", kRegistry, {"registry/version"}},
        Fault{"nowhere", kRegistry, {"registry/answers-dial"}},
        Fault{"options-fail", kRegistry, {"registry/options"}},
        Fault{"deaf", kRegistry, {"registry/told"}}, Fault{"withdraws-once", kRegistry, {}},
        Fault{"info-once", kRegistry, {"registry/found-again"}, {"--patience", "2"}},
        Fault{"leaves-socket", kRegistry, {"registry/removes-socket"}},
        Fault{"heedless-of-cancel", {"stream"}, {"stream/registers-again"}, kShort},
        Fault{"heedless-of-cancel+heedless-of-socket", {"socket"}, {"socket/serves-again"}, kShort},
        Fault{"fixed-name", {"overlap"}, {"overlap/socket-differs"}}),
    [](const ::testing::TestParamInfo<Fault>& fault) {
      std::string name = fault.param.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '-' || c == '+'; }, '_');
      return name;
    });

TEST_F(ConformanceTest, AResourceNameThatAKubeletRefusesIsFound) {
  const Checked run = Check({"--only", "register"}, Faulty({}, "thing"));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.With("fail"), std::set<std::string>{"register/resource-name"}) << run.output;

  const Checked found = Check({"--only", "registry"}, FaultyInRegistry({}, "thing"));
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_EQ(found.With("fail"), std::set<std::string>{"registry/resource-name"}) << found.output;
}

TEST_F(ConformanceTest, AProgramThatEndsAtOnceIsToldWithItsLastWords) {
  const Checked run = Check({}, {"/bin/sh", "-c", "echo cannot find the hardware; exit 3"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, HasSubstr("the plugin exited with 3 before it called Register"));
  EXPECT_THAT(run.output, HasSubstr("cannot find the hardware"));
}

TEST_F(ConformanceTest, AProgramThatNeverRegistersIsTold) {
  const Checked run = Check({"--start-timeout", "0.3"}, {"/bin/sleep", "60"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, HasSubstr("no Register call came on"));
}

TEST_F(ConformanceTest, WrongUsageIsTold) {
  EXPECT_THAT(Check({}, {"/nonexistent"}).output, HasSubstr("cannot start /nonexistent"));
  EXPECT_THAT(Check({"--only", "nothing"}, Faulty({})).output,
              HasSubstr("there is no topic 'nothing'; there are register, registry, list"));
  EXPECT_THAT(Check({"--device", "/nonexistent"}, Faulty({})).output, HasSubstr("does not exist"));
  for (const Words& options : std::vector<Words>{{"--patience", "x"}, {"--unknown"}}) {
    EXPECT_EQ(Check(options, Faulty({})).exit_code, 2);
  }
  EXPECT_EQ(Check({}, {}).exit_code, 2);
}

TEST_F(ConformanceTest, NothingIsLeftOfItsFolder) {
  const std::string folder = dir_.path() / "node-kubelet";
  const Checked run = Check({"--only", "register"}, Faulty({}));
  const std::string command = run.report["plugin"].dump();
  EXPECT_THAT(command, Not(HasSubstr("{plugin-dir}")));
  const std::filesystem::path plugin_dir = run.report["plugin"][1].get<std::string>();
  EXPECT_FALSE(std::filesystem::exists(plugin_dir.parent_path().parent_path())) << plugin_dir;
  const Checked given = Check({"--only", "register", "--kubelet-dir", folder}, Faulty({}));
  EXPECT_EQ(given.report["plugin"][1], folder + "/device-plugins");
  EXPECT_TRUE(std::filesystem::exists(folder)) << "a folder that was given stays";
}

}  // namespace
}  // namespace nodedevice::testing
