using Hanbae.Api;
using V1 = Hanbae.Api.Rbac.V1;
using V1Alpha1 = Hanbae.Api.Rbac.V1alpha1;

namespace Hanbae.Machinery.Convert;

/// <summary>Subjects of bindings between v1 and v1alpha1, which named a version where there is a group now, and knew a user called *.</summary>
static class OldSubjects
{
    const string Group = "rbac.authorization.k8s.io", Everybody = "system:authenticated";

    public static V1.RoleBinding New(V1.RoleBinding now, V1Alpha1.RoleBinding old) => now with { Subjects = New(now.Subjects, old.Subjects) };
    public static V1.ClusterRoleBinding New(V1.ClusterRoleBinding now, V1Alpha1.ClusterRoleBinding old) => now with { Subjects = New(now.Subjects, old.Subjects) };
    public static V1Alpha1.RoleBinding Old(V1Alpha1.RoleBinding old, V1.RoleBinding now) => old with { Subjects = Old(old.Subjects, now.Subjects) };
    public static V1Alpha1.ClusterRoleBinding Old(V1Alpha1.ClusterRoleBinding old, V1.ClusterRoleBinding now) => old with { Subjects = Old(old.Subjects, now.Subjects) };

    static Seq<V1.Subject> New(Seq<V1.Subject> now, Seq<V1Alpha1.Subject> old) => now.Select((s, i) => s switch
    {
        { Kind: "ServiceAccount" } => s,
        // As upstream: who wrote that meant whoever is authenticated.
        { Kind: "User", Name: "*" } => s with { Kind = "Group", Name = Everybody, ApiGroup = Group },
        { Kind: "User" or "Group" } => s with { ApiGroup = Group },
        _ => s with { ApiGroup = GroupVersion.Parse(old[i].ApiVersion)?.Group ?? "" },
    }).ToSeq();

    static Seq<V1Alpha1.Subject> Old(Seq<V1Alpha1.Subject> old, Seq<V1.Subject> now) => old.Select((s, i) => s with
    {
        ApiVersion = s.Kind switch { "ServiceAccount" => "v1", "User" or "Group" => Group + "/v1alpha1", _ => now[i].ApiGroup },
    }).ToSeq();
}
