#include "lib/kubelet/resource_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nodedevice {
namespace {

using ::testing::HasSubstr;

std::string Times(std::size_t count, char c) { return std::string(count, c); }

TEST(ResourceNameTest, TakesWhatTheKubeletTakes) {
  for (const std::string& name :
       {std::string("nvidia.com/gpu"), std::string("devices.kubevirt.io/kvm"),
        std::string("cex.s390.ibm.com/cca"), std::string("a/b"), std::string("1/2"),
        std::string("example.com/A_b.c-D9"), std::string("amd.com/onload"),
        "example.com/" + Times(63, 'x'),
        // Limited as a whole, with "requests." before it, not label by label.
        Times(244, 'd') + "/x",
        // Not the reserved domain, only like it.
        std::string("kubernetes.io.example.com/x")}) {
    EXPECT_TRUE(ValidateExtendedResourceName(name).ok()) << ValidateExtendedResourceName(name);
  }
}

struct Refused {
  std::string name;
  std::string why;
};

TEST(ResourceNameTest, RefusesWhatTheKubeletRefusesAndSaysWhy) {
  const Refused cases[] = {
      {"", "it has no domain, as in example.com/name"},
      {"gpu", "it has no domain, as in example.com/name"},
      {"/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"example.com/", "nothing stands after the '/'"},
      {"example.com/a/b", "it has more than one '/'"},
      {"kubernetes.io/gpu", "the domain kubernetes.io is reserved"},
      {"node.kubernetes.io/gpu", "the domain kubernetes.io is reserved"},
      {"mykubernetes.io/gpu", "the domain kubernetes.io is reserved"},
      {"requests.example.com/gpu", "it starts with 'requests.'"},
      {"Example.com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"exa_mple.com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"-example.com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"example-.com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"example..com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {".example.com/gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {"example.com./gpu", "its domain is not made of lower case letters, digits, '-' and '.'"},
      {Times(245, 'd') + "/x", "its domain is longer than 244 characters"},
      {"example.com/" + Times(64, 'x'), "more than 63 characters stand after the '/'"},
      {"example.com/-gpu", "the part after the '/' must begin and end with a letter or digit"},
      {"example.com/gpu.", "the part after the '/' must begin and end with a letter or digit"},
      {"example.com/g pu", "the part after the '/' may hold letters, digits, '-', '_' and '.'"},
      {"example.com/g\xC3\xBCpu",
       "the part after the '/' may hold letters, digits, '-', '_' and '.'"},
  };
  for (const auto& [name, why] : cases) {
    const absl::Status status = ValidateExtendedResourceName(name);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name;
    EXPECT_EQ(status.message(),
              absl::StrCat("'", name, "' is not an extended resource name: ", why));
  }
}

}  // namespace
}  // namespace nodedevice
