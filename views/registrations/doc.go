// Package registrations shows moderators who waits to be let in.
package registrations
