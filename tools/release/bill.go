package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

const repositoryURL = "https://github.com/lumigo-io/opentelemetry-distro"

// writeBill writes the bill of materials of a program, in CycloneDX's format: what the go command says that it is
// linked from. The wheel of the same architecture has the same program in it, and no other foreign code.
func writeBill(path, version string, program []byte) error {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return err
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	self := component(cyclonedx.ComponentTypeApplication, info.Path, version)
	self.Description = "Traces Python and Go applications with no change to their code"
	self.Licenses = &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}}
	self.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(program))}}
	self.ExternalReferences = &[]cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeVCS, URL: repositoryURL}}
	properties := []cyclonedx.Property{{Name: "platform", Value: settings["GOOS"] + "/" + settings["GOARCH"]}}
	if commit := settings["vcs.revision"]; commit != "" {
		properties = append(properties, cyclonedx.Property{Name: "commit", Value: commit})
	}
	self.Properties = &properties

	components := []cyclonedx.Component{component(cyclonedx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		components = append(components, component(cyclonedx.ComponentTypeLibrary, module.Path, versionOf(module, version)))
	}
	var references []string
	for _, c := range components {
		references = append(references, c.BOMRef)
	}

	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{Component: &self}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: self.BOMRef, Dependencies: &references}}
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bill); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// versionOf is the version of a module; the repository's own is that of the release.
func versionOf(module *debug.Module, release string) string {
	if module.Replace != nil {
		return release
	}
	return module.Version
}

func component(kind cyclonedx.ComponentType, path, version string) cyclonedx.Component {
	purl := "pkg:golang/" + path + "@" + url.PathEscape(version)
	return cyclonedx.Component{BOMRef: purl, Type: kind, Name: path, Version: version, PackageURL: purl}
}
