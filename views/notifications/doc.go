// Package notifications shows what a member was told: on a page, in the menu behind the bell, and the grid of what they
// want to be told of.
package notifications
