package middleware

import (
	"net/http"
	"strings"
)

// Host refuses requests for a name that is not ours (UnknownHost, 421). It is
// the guard against DNS rebinding and against links that carry a stranger's
// host. hosts are lower-case Host values as config.AllowedHosts gives them:
// one without a port is also answered with the usual ports, 80 and 443; the
// names of this machine (localhost, 127.0.0.1, [::1]) with any port.
func Host(next http.Handler, hosts []string, fail Fail) http.Handler {
	exact := make(map[string]bool) // every value that is answered, without more thought
	local := make(map[string]bool) // names that are answered with any port
	for _, host := range hosts {
		exact[host] = true
		name, port := splitPort(host)
		if port != "" {
			continue
		}
		switch name {
		case "localhost", "127.0.0.1", "[::1]":
			local[name] = true
		default:
			exact[name+":80"], exact[name+":443"] = true, true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !exact[r.Host] {
			host := strings.ToLower(r.Host)
			name, _ := splitPort(host)
			if !exact[host] && !local[name] {
				fail(w, r, &UnknownHost{Host: r.Host})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// splitPort cuts a decimal port off a Host value; the brackets of an IPv6
// address stay.
func splitPort(host string) (name, port string) {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.HasSuffix(host, "]") {
		return host, ""
	}
	for _, c := range host[colon+1:] {
		if c < '0' || c > '9' {
			return host, ""
		}
	}
	return host[:colon], host[colon+1:]
}
