// Package live shows what happened while a page was open: the fragments that a stream sends, and what is put into the page
// when its reader asks for it.
//
// A fragment is made once for all who may read the topic, so nothing in it depends on who they are. Each is one element
// whose data say what it is about, so that the script knows whether the page shows that already; the parts inside are put
// in their places. A part whose place is not on the page is passed over.
package live
