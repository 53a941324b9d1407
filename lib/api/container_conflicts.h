#pragma once

// Whether two entries of spec.plugins give containers things that no container can have both of.
// Pure, any thread.

#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// Of a container that asks for resources of several entries the kubelet merges what their plugins
// answer (contracts/device-plugins.md, 3.5): of two values of one variable or annotation, and of
// two mounts on one container path, it takes the one that comes first and drops the other, with
// nothing but a line in its log. Which one comes first is chance, and may differ at the next start.
//
// `plugins` is spec.plugins, in its order. Compared is what `container` of the entries gives to
// every container: the same said twice is no conflict, and names of CDI devices cannot be in one,
// for the kubelet hands on all of them. What depends on the device that a container gets, such as
// the container path of a device node, is not compared.
//
// Returns the conflicts, each with the path of the later of the two fields and a message that names
// the earlier; at most kMaxListedErrors, then how many more. Values are not repeated in it: it is
// shown to people who need not be allowed to read the configuration. None of these is an error of
// the configuration: a container that asks for one of the two resources gets what it should.
std::vector<FieldError> ContainerConflicts(const std::vector<PluginSpec>& plugins);

}  // namespace nodedevice
