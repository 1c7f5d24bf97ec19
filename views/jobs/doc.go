// Package jobs shows admins the work that waits to be done, and what of it was given up. It names no member and shows no
// payload: what a job is about may be an address.
package jobs
