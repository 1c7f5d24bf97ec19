// Package channels shows the list of channels, one with its posts, its members, and the forms that make or change it.
package channels
