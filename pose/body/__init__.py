"""Arms and hands of the portrait: cut out once, moved by joints, drawn over the warped person."""
