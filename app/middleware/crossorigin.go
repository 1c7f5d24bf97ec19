package middleware

import "net/http"

// CrossOrigin refuses writes that a browser sends from another site
// (CrossOriginRequest, 403), by Fetch metadata or, in old browsers, by Origin.
// A request that has neither comes from no browser (curl, a script) and passes:
// nobody can make a victim's browser send such a one. It is enough only
// because no GET changes anything.
func CrossOrigin(next http.Handler, fail Fail) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil {
			fail(w, r, &CrossOriginRequest{Err: err})
			return
		}
		next.ServeHTTP(w, r)
	})
}
