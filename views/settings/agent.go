package settings

import (
	"context"
	"strings"

	"codex/views/ui"
)

// device is the icon for what a browser runs on, as far as it says so.
func device(agent string) string {
	if strings.Contains(agent, "Mobile") || strings.Contains(agent, "Android") || strings.Contains(agent, "iPhone") {
		return "smartphone"
	}
	return "laptop"
}

// browser is the name that a person knows. The order matters: Edge and Opera call themselves Chrome too, and Chrome
// calls itself Safari.
func browser(ctx context.Context, agent string) string {
	name := ""
	for _, b := range [...][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chromium"},
		{"Safari/", "Safari"}, {"curl/", "curl"},
	} {
		if strings.Contains(agent, b[0]) {
			name = b[1]
			break
		}
	}
	if name == "" {
		return ui.T(ctx, "Another program")
	}
	for _, system := range [...][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, system[0]) {
			return ui.T(ctx, "%s on %s", name, system[1])
		}
	}
	return name
}
