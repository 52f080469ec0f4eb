// The names of groups, versions and kinds are Hanbae's own, not the wire types of the same name in meta/v1.
global using GroupResource = Hanbae.Api.GroupResource;
global using GroupVersion = Hanbae.Api.GroupVersion;
global using GroupVersionKind = Hanbae.Api.GroupVersionKind;
global using GroupVersionResource = Hanbae.Api.GroupVersionResource;
