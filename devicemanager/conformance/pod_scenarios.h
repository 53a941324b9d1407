#pragma once

#include <filesystem>

#include "devicemanager/conformance/calls.h"
#include "devicemanager/conformance/kept_plugin.h"

// Scenarios about lists and allocation: what a plugin tells and answers while pods come and go and
// its kubelet just runs. Each adds what it saw to the plugin's observation, blocks until it is
// over, and leaves everything out when the plugin cannot be had for it.
namespace nodedevice::devicemanager::conformance {

// Asks for every resource what a kubelet asks while pods are admitted. A plugin that ends over a
// call is started again for the next.
void PlayCalls(KeptPlugin& plugin, const CallChoice& choice);

// Moves the file or device node aside, waits for a list with fewer healthy devices, puts it back
// and waits for as many as before. When it cannot be moved, that is told to people and nothing is
// seen.
void PlayHotplug(KeptPlugin& plugin, const std::filesystem::path& device);

}  // namespace nodedevice::devicemanager::conformance
