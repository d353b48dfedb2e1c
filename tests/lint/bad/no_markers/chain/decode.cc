// TODO: the rest
int later;
// FIXME
