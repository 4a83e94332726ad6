"""pytest plug-in: one execution per session, per test, per attempt and per subtest."""
