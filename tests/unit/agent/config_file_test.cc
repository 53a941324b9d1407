#include "agent/config_file.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Config(const std::string& plugin, const std::string& metadata = "name: node") {
  return "apiVersion: nodedevices.io/v1alpha1\n"
         "kind: DevicePluginConfig\n"
         "metadata: {" +
         metadata +
         "}\n"
         "spec:\n"
         "  plugins:\n"
         "  - name: " +
         plugin +
         "\n"
         "    resourceName: example.com/" +
         plugin +
         "\n"
         "    exec: {command: [/bin/true]}\n";
}

class ConfigFileTest : public ::testing::Test {
 protected:
  void Watch(const std::filesystem::path& path) {
    file_ = std::make_unique<ConfigFile>(
        loop_, path,
        ConfigFile::Callbacks{
            .on_accepted = [this](const DevicePluginConfig& c) { accepted_.push_back(c); },
            .on_status = [this] { ++statuses_; }});
    file_->Start();
  }
  bool Accepts(const std::string& plugin) {
    return RunUntil(
        loop_, [&] { return !accepted_.empty() && accepted_.back().plugins.at(0).name == plugin; });
  }
  bool Rejects() {
    return RunUntil(loop_, [this] { return !file_->status().error.empty(); });
  }

  TempDir dir_;
  EventLoop loop_;
  std::unique_ptr<ConfigFile> file_;
  std::vector<DevicePluginConfig> accepted_;
  int statuses_ = 0;
};

TEST_F(ConfigFileTest, ReadsTheFileAtStart) {
  Watch(dir_.Write("config.yaml", Config("a")));
  ASSERT_EQ(accepted_.size(), 1u);
  EXPECT_EQ(accepted_[0].plugins.at(0).name, "a");
  EXPECT_TRUE(file_->status().accepted);
  EXPECT_EQ(file_->status().generation, 1);
  EXPECT_EQ(file_->status().error, "");
}

TEST_F(ConfigFileTest, WaitsForAFileThatDoesNotExist) {
  Watch(dir_.path() / "later/config.yaml");
  EXPECT_FALSE(file_->status().accepted);
  EXPECT_THAT(file_->status().error,
              AllOf(HasSubstr("later/config.yaml"), HasSubstr("No such file or directory")));
  dir_.Write("later/config.yaml", Config("a"));
  EXPECT_TRUE(Accepts("a"));
  EXPECT_EQ(file_->status().error, "");
}

TEST_F(ConfigFileTest, KeepsTheLastGoodOneWhileTheNewestIsWrong) {
  Watch(dir_.Write("config.yaml", Config("a")));
  dir_.Write("config.yaml", Config("NOT A NAME"));
  ASSERT_TRUE(Rejects());
  EXPECT_THAT(file_->status().error, HasSubstr("spec.plugins[0].name"));
  EXPECT_TRUE(file_->status().accepted);
  EXPECT_EQ(file_->status().generation, 1);
  EXPECT_EQ(accepted_.size(), 1u);

  dir_.Write("config.yaml", Config("b"));
  EXPECT_TRUE(Accepts("b"));
  EXPECT_EQ(file_->status().error, "");
  EXPECT_EQ(file_->status().generation, 2);
}

TEST_F(ConfigFileTest, KeepsTheLastGoodOneWhileTheFileIsGone) {
  Watch(dir_.Write("config.yaml", Config("a")));
  dir_.Remove("config.yaml");
  ASSERT_TRUE(Rejects());
  EXPECT_TRUE(file_->status().accepted);
  dir_.Write("config.yaml", Config("a"));
  EXPECT_TRUE(RunUntil(loop_, [this] { return file_->status().error.empty(); }));
}

TEST_F(ConfigFileTest, SeesAFileThatIsRenamedIntoPlace) {
  Watch(dir_.Write("config.yaml", Config("a")));
  std::filesystem::rename(dir_.Write("new.yaml", Config("b")), dir_.path() / "config.yaml");
  EXPECT_TRUE(Accepts("b"));
}

TEST_F(ConfigFileTest, SeesTheSwapOfAMountedConfigMap) {
  dir_.Write("..first/config.yaml", Config("a"));
  std::filesystem::create_symlink("..first", dir_.path() / "..data");
  std::filesystem::create_symlink("..data/config.yaml", dir_.path() / "config.yaml");
  Watch(dir_.path() / "config.yaml");
  ASSERT_EQ(accepted_.size(), 1u);

  for (const std::string name : {"b", "c"}) {
    dir_.Write("..version-" + name + "/config.yaml", Config(name));
    std::filesystem::create_symlink("..version-" + name, dir_.path() / "..data_tmp");
    std::filesystem::rename(dir_.path() / "..data_tmp", dir_.path() / "..data");
    EXPECT_TRUE(Accepts(name));
  }
}

TEST_F(ConfigFileTest, SeesAChangeBehindASymbolicLink) {
  dir_.Write("elsewhere/config.yaml", Config("a"));
  std::filesystem::create_directories(dir_.path() / "here");
  std::filesystem::create_symlink("../elsewhere/config.yaml", dir_.path() / "here/config.yaml");
  Watch(dir_.path() / "here/config.yaml");
  dir_.Write("elsewhere/config.yaml", Config("b"));
  EXPECT_TRUE(Accepts("b"));
}

TEST_F(ConfigFileTest, IsSilentWhenTheContentIsTheSame) {
  Watch(dir_.Write("config.yaml", Config("a")));
  dir_.Write("config.yaml", Config("a"));
  dir_.Write("config.yaml", Config("a"));
  dir_.Write("config.yaml", Config("b"));
  ASSERT_TRUE(Accepts("b"));
  EXPECT_EQ(accepted_.size(), 2u);
  EXPECT_EQ(statuses_, 2);
}

TEST_F(ConfigFileTest, TakesTheGenerationOfAnObjectFromACluster) {
  Watch(dir_.Write("config.yaml", Config("a", "name: node, generation: 17")));
  EXPECT_EQ(file_->status().generation, 17);
}

TEST(CheckConfigFileTest, SumsUpAValidFile) {
  const TempDir dir;
  const auto path = dir.Write("config.yaml", Config("a"));
  const CheckResult result = CheckConfigFile(path);
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.text, path.string() + ": valid, 1 plugin: a (example.com/a)");
}

TEST(CheckConfigFileTest, ListsEveryErrorWithItsFieldOnALineOfItsOwn) {
  const TempDir dir;
  const CheckResult result = CheckConfigFile(dir.Write(
      "config.yaml",
      "apiVersion: nodedevices.io/v1alpha1\nkind: DevicePluginConfig\nmetadata: {name: node}\n"
      "spec:\n  plugins:\n  - {name: a, resourceName: widget, exec: {command: [/bin/true]}}\n"
      "  - {name: a, resourceName: example.com/b, exec: {command: []}}\n"));
  EXPECT_FALSE(result.ok);
  EXPECT_THAT(result.text,
              AllOf(HasSubstr("spec.plugins[0].resourceName: "), HasSubstr("\nspec.plugins[1].")));
}

TEST(CheckConfigFileTest, WarnsOfEntriesThatDifferInWhatTheyGiveContainers) {
  const TempDir dir;
  const auto path = dir.Write(
      "config.yaml",
      "apiVersion: nodedevices.io/v1alpha1\nkind: DevicePluginConfig\nmetadata: {name: node}\n"
      "spec:\n  plugins:\n"
      "  - {name: a, resourceName: a.b/a, static: {devices: [{id: x}]}, container: {envs: {F: "
      "x}}}\n"
      "  - {name: b, resourceName: a.b/b, static: {devices: [{id: y}]}, container: {envs: {F: "
      "y}}}\n");
  const CheckResult result = CheckConfigFile(path);
  EXPECT_TRUE(result.ok);
  EXPECT_THAT(result.text,
              HasSubstr(": valid, 2 plugins: a (a.b/a), b (a.b/b)\nwarning: "
                        "spec.plugins[1].container.envs.F: is another value of this variable than "
                        "spec.plugins[0].container.envs.F (a) gives: "));
}

TEST(CheckConfigFileTest, SaysThatThereIsNoFile) {
  const CheckResult result = CheckConfigFile("/nonexistent/config.yaml");
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.text, "/nonexistent/config.yaml: No such file or directory");
}

}  // namespace
}  // namespace nodedevice::testing
