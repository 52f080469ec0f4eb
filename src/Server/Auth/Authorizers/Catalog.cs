using System.Collections.Immutable;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Authorizers;

/// <summary>Who is asked whether a request is allowed, in this order; what none allows is forbidden.</summary>
static class Catalog
{
    public static ImmutableArray<IAuthorizer> Of(ServedObjects objects, RbacAuthorizer rbac) =>
    [
        // First, so that a cluster without any roles can be given some.
        new PrivilegedGroup(),
        // Before RBAC: most requests of a cluster are its nodes', and what it cannot allow RBAC still may.
        new NodeAuthorizer(objects),
        rbac,
    ];
}
