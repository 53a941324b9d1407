#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_join.h"
#include "lib/api/device_plugin_config.h"
#include "tests/architecture/source_tree.h"

namespace nodedevice::testing {
namespace {

std::vector<SourceFile> Samples() {
  std::vector<SourceFile> samples = FilesBelow("operator-manifests/samples", {".yaml"});
  samples.push_back({"operator-manifests/standalone/devices.yaml",
                     LinesOf(SourceRoot() / "operator-manifests/standalone/devices.yaml")});
  return samples;
}

TEST(SamplesTest, EverySampleIsAValidConfig) {
  EXPECT_GE(Samples().size(), 5u);
  for (const SourceFile& sample : Samples()) {
    const auto parsed = ParseDevicePluginConfigYaml(absl::StrJoin(sample.lines, "\n"));
    EXPECT_TRUE(parsed.ok()) << sample.path << "\n" << ToString(parsed.errors);
    EXPECT_FALSE(parsed.value.plugins.empty()) << sample.path;
  }
}

TEST(SamplesTest, EverySampleBeginsWithWordsForItsReader) {
  for (const SourceFile& sample : Samples()) {
    ASSERT_FALSE(sample.lines.empty()) << sample.path;
    EXPECT_TRUE(sample.lines[0].starts_with("# ")) << sample.path;
  }
}

TEST(SamplesTest, TheManifestsRunTheImageOfThisVersion) {
  std::size_t images = 0;
  for (const SourceFile& manifest : FilesBelow("operator-manifests", {".yaml"})) {
    for (const std::string& line : manifest.lines) {
      if (line.find("image: nodedevices.io/") == std::string::npos) continue;
      EXPECT_TRUE(line.ends_with("/node-device-operator:" NODEDEVICE_VERSION)) << manifest.path;
      ++images;
    }
  }
  EXPECT_GE(images, 1u);
}

TEST(SamplesTest, SamplesOfOneClusterDoNotCollide) {
  std::set<std::string> names;
  for (const SourceFile& sample : Samples()) {
    const auto parsed = ParseDevicePluginConfigYaml(absl::StrJoin(sample.lines, "\n"));
    EXPECT_TRUE(names.insert(parsed.value.name).second)
        << sample.path << ": the name " << parsed.value.name << " is used by another sample";
  }
}

}  // namespace
}  // namespace nodedevice::testing
