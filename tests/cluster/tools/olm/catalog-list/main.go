// Catalog-list prints what a catalog serves, one bundle a line, as the Operator Lifecycle Manager asks for it:
//
//	catalog-list ADDRESS
//	PACKAGE CHANNEL NAME replaces=NAME skipRange=RANGE image=IMAGE objects=N
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/operator-framework/operator-registry/pkg/client"
)

func list(ctx context.Context, address string) ([]string, error) {
	catalog, err := client.NewClient(address)
	if err != nil {
		return nil, err
	}
	defer catalog.Close()
	bundles, err := catalog.ListBundles(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	for listed := bundles.Next(); listed != nil; listed = bundles.Next() {
		one, err := catalog.GetBundle(ctx, listed.PackageName, listed.ChannelName, listed.CsvName)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%s %s %s replaces=%s skipRange=%s image=%s objects=%d",
			listed.PackageName, listed.ChannelName, listed.CsvName, listed.Replaces, listed.SkipRange, listed.BundlePath, len(one.Object)))
	}
	slices.Sort(lines)
	return lines, bundles.Error()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: catalog-list ADDRESS")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lines, err := list(ctx, os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "catalog-list: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	for _, line := range lines {
		fmt.Println(line)
	}
}
