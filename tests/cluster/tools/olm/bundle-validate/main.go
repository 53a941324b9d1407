// Bundle-validate judges the bundle of an operator by the checks of `operator-sdk bundle validate`, the
// default ones and every optional one: they are a library, which this program calls. They overlook what an
// API server would refuse, so it also compares with the schemas; and it asks what the tests of `operator-sdk
// scorecard` do.
//
//	bundle-validate FOLDER
//
// Prints what they say, one a line: `error CHECK: ...` and `warning CHECK: ...`. Exits with 1 when there
// is an error, and with 2 when it cannot judge.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	findings "github.com/operator-framework/api/pkg/validation/errors"
	validators "github.com/operator-framework/api/pkg/validation/interfaces"
	"github.com/operator-framework/operator-registry/pkg/lib/bundle"
	"github.com/sirupsen/logrus"
)

type check struct {
	name      string
	validator validators.Validator
}

// The names are those of operator-sdk.
var checks = []check{
	{"default", validation.DefaultBundleValidators},
	{"operatorhubv2", validation.OperatorHubV2Validator},
	{"capabilities", validation.StandardCapabilitiesValidator},
	{"categories", validation.StandardCategoriesValidator},
	{"object", validation.ObjectValidator},
	{"good-practices", validation.GoodPracticesValidator},
	{"multiarch", validation.MultipleArchitecturesValidator},
	{"alpha-deprecated-apis", validation.AlphaDeprecatedAPIsValidator},
	{"operatorhub", validation.OperatorHubValidator},
	{"community", validation.CommunityOperatorValidator},
}

type report struct {
	lines  []string
	errors int
}

func (r *report) add(level findings.Level, check, text string) {
	word := "warning"
	if level == findings.LevelError {
		word = "error"
		r.errors++
	}
	// One line, whatever a validator quotes.
	r.lines = append(r.lines, fmt.Sprintf("%s %s: %s", word, check, strings.Join(strings.Fields(text), " ")))
}

// What the catalog's tools ask of folders and of each file, before anybody looks at what it means.
func (r *report) format(folder string) {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	validator := bundle.NewImageValidator(nil, logrus.NewEntry(quiet))
	for _, err := range []error{
		validator.ValidateBundleFormat(folder),
		validator.ValidateBundleContent(filepath.Join(folder, bundle.ManifestsDir)),
	} {
		var all bundle.ValidationError
		switch {
		case err == nil:
		case errors.As(err, &all):
			for _, one := range all.Errors {
				r.add(findings.LevelError, "format", one.Error())
			}
		default:
			r.add(findings.LevelError, "format", err.Error())
		}
	}
}

func (r *report) run(check check, objects []any) {
	for _, result := range check.validator.Validate(objects...) {
		for _, finding := range slices.Concat(result.Errors, result.Warnings) {
			text := strings.TrimPrefix(finding.Error(), string(finding.Level)+": ")
			r.add(finding.Level, check.name, strings.TrimPrefix(text, ": "))
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bundle-validate FOLDER")
		os.Exit(2)
	}
	// What they log, they also return. Without docker in it, nobody pulls images: there may be none yet.
	logrus.SetOutput(io.Discard)
	os.Setenv("PATH", "")
	loaded, err := manifests.GetBundleFromDir(os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "bundle-validate: %s: %v\n", os.Args[1], err)
		os.Exit(2)
	}
	var report report
	report.format(os.Args[1])
	if err := report.schemas(loaded); err != nil {
		fmt.Fprintf(os.Stderr, "bundle-validate: %s: %v\n", os.Args[1], err)
		os.Exit(2)
	}
	if err := report.scorecard(os.Args[1], loaded); err != nil {
		fmt.Fprintf(os.Stderr, "bundle-validate: %s: %v\n", os.Args[1], err)
		os.Exit(2)
	}
	for _, check := range checks {
		report.run(check, loaded.ObjectsToValidate())
	}
	slices.Sort(report.lines)
	for _, line := range slices.Compact(report.lines) {
		fmt.Println(line)
	}
	if report.errors > 0 {
		os.Exit(1)
	}
}
