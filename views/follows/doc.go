// Package follows shows how much a member wants to hear of a post or a channel.
package follows
