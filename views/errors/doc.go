// Package errors shows every error that a person meets: what happened, what was kept, and the request's id.
package errors
