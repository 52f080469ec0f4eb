using Hanbae.Api.Rbac.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of role bindings.</summary>
static class RbacDefaults
{
    const string Group = "rbac.authorization.k8s.io";

    public static RoleRef Role(RoleRef role) => role.ApiGroup.Length > 0 ? role : role with { ApiGroup = Group };

    public static Subject Subject(Subject subject) =>
        subject is { ApiGroup.Length: 0, Kind: "User" or "Group" } ? subject with { ApiGroup = Group } : subject;
}
