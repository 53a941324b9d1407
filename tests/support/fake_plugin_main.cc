// fake-device-plugin: somebody else's device plugin as a program, for exec entries of tests.
//
//   fake-device-plugin FOLDER RESOURCE [heedless]
//
// Serves two devices on FOLDER/fake.sock and registers with FOLDER/kubelet.sock. When its socket is
// removed, as a kubelet does at each start, it begins anew; a heedless one does not notice.

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "tests/support/fake_plugin.h"

namespace nodedevice::testing {
namespace {

class Program {
 public:
  Program(EventLoop& loop, const std::filesystem::path& folder, std::string resource)
      : folder_(folder),
        resource_(std::move(resource)),
        watch_(
            loop, [this] { Look(); }, DirectoryWatch::Events::kNames) {}

  void Look() {
    // Before looking, so that nothing is missed.
    if (!watch_.Watch({folder_}).ok()) std::puts("cannot watch the folder");
    if (!std::filesystem::exists(folder_ / "kubelet.sock")) return;  // its coming is a hint
    if (plugin_ != nullptr && std::filesystem::exists(folder_ / "fake.sock")) return;
    Begin();
  }

  void Begin() {
    plugin_.reset();
    plugin_ =
        std::make_unique<FakePlugin>(folder_ / "fake.sock", std::vector<std::string>{"one", "two"});
    const grpc::Status status = plugin_->Register(resource_);
    std::printf("register: %s\n", status.ok() ? "ok" : status.error_message().c_str());
    std::fflush(stdout);
  }

 private:
  const std::filesystem::path folder_;
  const std::string resource_;
  std::unique_ptr<FakePlugin> plugin_;
  DirectoryWatch watch_;
};

int Main(int argc, char** argv) {
  if (argc < 3) return 2;
  BlockSignals({SIGTERM});
  EventLoop loop;
  Program program(loop, argv[1], argv[2]);
  const SignalWatch signals(loop, {SIGTERM}, [&loop](int) { loop.Stop(); });
  if (argc > 3) {
    program.Begin();
  } else {
    program.Look();
  }
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace nodedevice::testing

int main(int argc, char** argv) { return nodedevice::testing::Main(argc, argv); }
