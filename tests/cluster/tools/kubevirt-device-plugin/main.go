// Kubevirt-device-plugin is the generic device plugin of KubeVirt, as its virt-handler runs it for /dev/kvm,
// /dev/net/tun and /dev/vhost-net, without the rest of virt-handler and without a cluster:
//
//	kubevirt-device-plugin NAME PATH COUNT
//
// It announces the device PATH COUNT times as devices.kubevirt.io/NAME, below /var/lib/kubelet.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	kubevirtv1 "kubevirt.io/api/core/v1"
	virtconfig "kubevirt.io/kubevirt/pkg/virt-config"
	devicemanager "kubevirt.io/kubevirt/pkg/virt-handler/device-manager"
)

// What virt-handler gives to containers unless its administrator says otherwise.
const permissions = "rw"

// The configuration of a cluster in which mediated devices are left alone, since their types are asked of the
// API server. Its informers are never run.
func config() (*virtconfig.ClusterConfig, error) {
	nothing := &cache.ListWatch{}
	kubevirts := cache.NewSharedIndexInformer(nothing, &kubevirtv1.KubeVirt{}, 0, cache.Indexers{})
	kubevirt := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{
		Namespace: "kubevirt", Name: "kubevirt", ResourceVersion: "1", // without a version it is not looked at
	}}
	kubevirt.Spec.Configuration.DeveloperConfiguration = &kubevirtv1.DeveloperConfiguration{
		FeatureGates: []string{virtconfig.DisableMediatedDevicesHandling},
	}
	kubevirt.Status.Phase = kubevirtv1.KubeVirtPhaseDeployed
	if err := kubevirts.GetStore().Add(kubevirt); err != nil {
		return nil, err
	}
	definitions := cache.NewSharedIndexInformer(nothing, &extv1.CustomResourceDefinition{}, 0, cache.Indexers{})
	return virtconfig.NewClusterConfig(definitions, kubevirts, kubevirt.Namespace)
}

func run(name, path string, count int) error {
	clusterConfig, err := config()
	if err != nil {
		return err
	}
	plugin := devicemanager.NewGenericDevicePlugin(name, path, count, permissions, false)
	controller := devicemanager.NewDeviceController("", count, permissions,
		[]devicemanager.Device{plugin}, clusterConfig, nil)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go controller.Run(make(chan struct{}))
	// Virt-handler tells its plugins to stop in the moment in which it ends, and waits for none of them. What
	// they do of it is chance, and almost always nothing.
	<-signals
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: kubevirt-device-plugin NAME PATH COUNT")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = run(os.Args[1], os.Args[2], count)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubevirt-device-plugin:", err)
		os.Exit(1)
	}
}
