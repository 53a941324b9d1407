#pragma once

#include "devicemanager/conformance/kept_plugin.h"

// Scenarios after which a plugin has to register again: something happens to its kubelet, its
// streams or its socket, and its comeback is awaited. Each adds that to the plugin's observation,
// blocks until every resource is back or the patience is used up, and leaves everything out when
// the plugin cannot be had for it.
namespace nodedevice::devicemanager::conformance {

// The kubelet is killed and back in a moment, as seen of a kubelet under systemd.
void PlayRestart(KeptPlugin& plugin);
// The same, and it is down for two seconds, in which kubelet.sock refuses.
void PlayLongRestart(KeptPlugin& plugin);
// The same as the first, and Register is answered two seconds late.
void PlaySlowKubelet(KeptPlugin& plugin);
// The same as the first, and the first registration of each resource is refused.
void PlayRefusedOnce(KeptPlugin& plugin);

// The kubelet cancels every ListAndWatch.
void PlayCut(KeptPlugin& plugin);

// The plugin's socket files are removed: in plugins_registry, where it is registered by that, which
// a kubelet takes for its good-bye. It is back when it has registered again, or, unless it was in
// there, when somebody answers on all of them.
void PlaySocketRemoved(KeptPlugin& plugin);

// The plugin is started where no kubelet.sock is, a second before there is one.
void PlayBeforeKubelet(KeptPlugin& plugin);

}  // namespace nodedevice::devicemanager::conformance
