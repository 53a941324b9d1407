#include "tests/integration/device_manager/command_line.h"

#include "tests/support/wait_for.h"

namespace nodedevice::testing {

void CommandLineTest::StartServing(const std::vector<std::string>& options) {
  serve_ = std::make_unique<ServeProcess>(dir_.path(), options);
  ASSERT_TRUE(WaitFor([&] { return Run({"status"}).exit_code == 0; }));
}

void CommandLineTest::StartPlugin(const std::string& socket, const std::vector<std::string>& ids,
                                  PluginScript script) {
  plugin_ = std::make_unique<FakePlugin>(paths_.device_plugins() / socket, ids, std::move(script));
  const grpc::Status status = plugin_->Register(kResource);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const Outcome waited = Run({"status", "--timeout", "60", "--wait",
                              std::string(kResource) + "=" + std::to_string(ids.size())});
  ASSERT_EQ(waited.exit_code, 0) << waited.output;
}

Outcome CommandLineTest::Run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin() + 1, {"--kubelet-dir", dir_.path()});
  return RunDeviceManager(std::move(arguments));
}

std::string CommandLineTest::PodFile(const std::string& name, int count) const {
  return dir_.Write(name + ".yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
                                        "}\nspec: {containers: [{name: main, resources: "
                                        "{limits: {example.com/a: " +
                                        std::to_string(count) + "}}}]}\n");
}

nlohmann::json CommandLineTest::Status() const {
  return nlohmann::json::parse(Run({"status", "--json"}).output, nullptr, false);
}

}  // namespace nodedevice::testing
