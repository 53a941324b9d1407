#include "lib/api/container_conflicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/api/field_reader.h"
#include "tests/unit/api/print_field_error.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The conflicts of entries e0, e1, ... that give these things to containers.
std::vector<FieldError> Conflicts(const std::vector<const char*>& containers) {
  json object = json::parse(R"({"apiVersion": "nodedevices.io/v1alpha1",
                                "kind": "DevicePluginConfig", "metadata": {"name": "x"},
                                "spec": {"plugins": []}})");
  for (const char* container : containers) {
    const std::string name = absl::StrCat("e", object["spec"]["plugins"].size());
    object["spec"]["plugins"].push_back({{"name", name},
                                         {"resourceName", "example.com/" + name},
                                         {"static", {{"devices", {{{"id", "1"}}}}}},
                                         {"container", json::parse(container)}});
  }
  const Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfig(object);
  EXPECT_THAT(parsed.errors, IsEmpty());
  return ContainerConflicts(parsed.value.plugins);
}

FieldError Conflict(std::string path, const std::string& what, const std::string& other) {
  return {std::move(path),
          absl::StrCat("is another ", what, " than ", other,
                       " gives: a container that asks for the resources of both gets one of the "
                       "two by chance. Say the same in both, or take another name for one, or let "
                       "no container ask for both")};
}

TEST(ContainerConflictsTest, FindsAVariableOfTwoValues) {
  EXPECT_THAT(Conflicts({R"({"envs": {"FOO": "a"}})", R"({"envs": {"BAR": "a"}})",
                         R"({"envs": {"FOO": "b"}})"}),
              ElementsAre(Conflict("spec.plugins[2].container.envs.FOO", "value of this variable",
                                   "spec.plugins[0].container.envs.FOO (e0)")));
}

TEST(ContainerConflictsTest, FindsTwoMountsOnOnePath) {
  EXPECT_THAT(
      Conflicts(
          {R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/x"}]})",
           R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/y"},
                          {"hostPath": "/opt/b", "containerPath": "/x"}]})",
           R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/y", "readOnly": true}]})"}),
      ElementsAre(Conflict("spec.plugins[1].container.mounts[1]", "mount on this container path",
                           "spec.plugins[0].container.mounts[0] (e0)"),
                  Conflict("spec.plugins[2].container.mounts[0]", "mount on this container path",
                           "spec.plugins[1].container.mounts[0] (e1)")));
}

TEST(ContainerConflictsTest, FindsAnAnnotationOfTwoValues) {
  EXPECT_THAT(
      Conflicts({R"({"annotations": {"a.b/c": "1"}})", R"({"annotations": {"a.b/c": ""}})"}),
      ElementsAre(Conflict("spec.plugins[1].container.annotations['a.b/c']",
                           "value of this annotation",
                           "spec.plugins[0].container.annotations['a.b/c'] (e0)")));
}

TEST(ContainerConflictsTest, FindsEachEntryThatDiffersFromAnyBefore) {
  EXPECT_THAT(
      Conflicts({R"({"envs": {"A": "1"}})", R"({"envs": {"A": "1"}})", R"({"envs": {"A": "2"}})",
                 R"({"envs": {"A": "1"}})", R"({"envs": {"A": "3"}})"}),
      ElementsAre(Conflict("spec.plugins[2].container.envs.A", "value of this variable",
                           "spec.plugins[0].container.envs.A (e0)"),
                  Conflict("spec.plugins[3].container.envs.A", "value of this variable",
                           "spec.plugins[2].container.envs.A (e2)"),
                  Conflict("spec.plugins[4].container.envs.A", "value of this variable",
                           "spec.plugins[0].container.envs.A (e0)")));
}

TEST(ContainerConflictsTest, LetsPassWhatAContainerCanHaveAllOf) {
  for (const auto& containers : std::vector<std::vector<const char*>>{
           {},
           {R"({"envs": {"A": "1"}, "annotations": {"A": "2"}})"},
           {R"({"envs": {"A": "1"}})", "{}"},
           {R"({"envs": {"A": "1"}})", R"({"envs": {"A": "1", "a": "2"}})"},
           {R"({"envs": {"A": "1"}})", R"({"annotations": {"A": "2"}})"},
           {R"({"cdi": ["v.com/c=1"]})", R"({"cdi": ["v.com/c=1", "v.com/c=2"]})"},
           {R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/x", "readOnly": false}]})",
            R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/x"}]})"},
           {R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/x"}]})",
            R"({"mounts": [{"hostPath": "/opt/a", "containerPath": "/x/y"}]})"}}) {
    EXPECT_THAT(Conflicts(containers), IsEmpty()) << ::testing::PrintToString(containers);
  }
}

TEST(ContainerConflictsTest, DoesNotRepeatValuesAndIsBounded) {
  std::string first = R"({"envs": {)";
  std::string second = first;
  for (std::size_t i = 0; i <= kMaxListedErrors; ++i) {
    const char* comma = i == 0 ? "" : ", ";
    absl::StrAppend(&first, comma, "\"A", i, "\": \"secret\"");
    absl::StrAppend(&second, comma, "\"A", i, "\": \"hidden\"");
  }
  const std::string text = ToString(Conflicts({(first + "}}").c_str(), (second + "}}").c_str()}));
  EXPECT_THAT(text, ::testing::EndsWith("\nand 1 more"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("hidden")));
}

}  // namespace
}  // namespace nodedevice
