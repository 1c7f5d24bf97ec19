// Package saves shows what a member saved, and the button that saves a post.
package saves
