using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Client;

namespace Hanbae.Host.Checks.Cis;

/// <summary>What people have made of the cluster: rights that were given out, and how Pods are kept apart. Mostly theirs to judge; what is the cluster's own must hold.</summary>
static class CisPolicies
{
    const string Enforce = "pod-security.kubernetes.io/enforce";
    /// <summary>Over which those verbs are: whoever has all verbs has them.</summary>
    static readonly string[] s_powers = ["*", "roles", "clusterroles", "users", "groups", "serviceaccounts", "nodes"];
    static readonly string[] s_ours = ["kube-system", "kube-public", "kube-node-lease"];

    public static IEnumerable<CisItem> All { get; } =
    [
        new("5.1.1, 5.1.7", "Only the administrators' group holds every right", async (s, ct) =>
        {
            var others = (await s.Client.ListAsync<ClusterRoleBinding>(ListQuery.All, ct)).Items.Where(b => b.RoleRef.Name == "cluster-admin")
                .SelectMany(b => b.Subjects.Select(x => $"{x.Kind} {x.Name} (by {b.Metadata.Name})")).Where(x => !x.StartsWith("Group system:masters", StringComparison.Ordinal)).ToList();
            return others.Count == 0 ? CisFinding.Pass("cluster-admin is bound to system:masters only")
                : CisFinding.Manual("cluster-admin is also bound to " + string.Join(", ", others), "bind lesser roles to those who need less");
        }),
        new("5.1.2", "Few may read Secrets", (s, ct) => RolesAsync(s, ["get", "list", "watch"], "", "secrets", ct)),
        new("5.1.3", "Roles name what they allow", async (s, ct) =>
        {
            var wide = (await s.Client.ListAsync<ClusterRole>(ListQuery.All, ct)).Items
                .Where(r => !IsSystem(r.Metadata.Name) && r.Metadata.Name != "cluster-admin" && r.Rules.Exists(u => u.Verbs.Contains("*") || u.Resources.Contains("*")))
                .Select(r => r.Metadata.Name).ToList();
            return wide.Count == 0 ? CisFinding.Pass("no role of users has a *") : CisFinding.Manual("a * is in " + string.Join(", ", wide), "name the verbs and resources");
        }),
        new("5.1.4", "Few may make Pods", (s, ct) => RolesAsync(s, ["create"], "", "pods", ct)),
        new("5.1.5", "Nothing is granted to default service accounts", async (s, ct) =>
        {
            static IEnumerable<string> Of(string name, Api.Seq<Subject> subjects) => subjects.Where(x => x is { Kind: "ServiceAccount", Name: "default" }).Select(x => $"{x.Namespace} (by {name})");
            List<string> granted = [.. (await s.Client.ListAsync<ClusterRoleBinding>(ListQuery.All, ct)).Items.SelectMany(b => Of(b.Metadata.Name, b.Subjects)),
                .. (await s.Client.ListAsync<RoleBinding>(ListQuery.All, ct)).Items.SelectMany(b => Of(b.Metadata.Name, b.Subjects))];
            return granted.Count == 0 ? CisFinding.Pass("no role is bound to any of them")
                : CisFinding.Manual("roles are bound to default of " + string.Join(", ", granted), "make an account of its own for what needs them");
        }),
        new("5.1.6", "Pods that do not talk to the API have no token", async (s, ct) =>
        {
            int with = (await s.Client.ListAsync<Pod>(ListQuery.All, ct)).Items.Count(p => p.Spec.Volumes.Exists(v => v.Projected?.Sources.Exists(x => x.ServiceAccountToken is not null) ?? false));
            return with == 0 ? CisFinding.Pass("no Pod has one") : CisFinding.Manual($"{with} Pods have one", "set automountServiceAccountToken: false where it is not used");
        }),
        new("5.1.8", "Few may bind, escalate and impersonate", async (s, ct) =>
        {
            var roles = await UsersRolesAsync(s, u => u.Verbs.Contains("bind") || u.Verbs.Contains("escalate") || u.Verbs.Contains("impersonate") || u.Verbs.Contains("*") && u.Resources.Exists(s_powers.Contains), ct);
            return Judged(roles, "take them out where they are not needed");
        }),
        new("5.1.9", "Few may make PersistentVolumes", (s, ct) => RolesAsync(s, ["create"], "", "persistentvolumes", ct)),
        new("5.1.10", "Few get through to nodes", (s, ct) => RolesAsync(s, ["get", "create"], "", "nodes/proxy", ct)),
        new("5.1.11", "Few may approve certificates", (s, ct) => RolesAsync(s, ["update", "patch"], "certificates.k8s.io", "certificatesigningrequests/approval", ct)),
        new("5.1.12", "Few may change admission webhooks", (s, ct) => RolesAsync(s, ["create", "update", "patch", "delete"], "admissionregistration.k8s.io", "validatingwebhookconfigurations", ct)),
        new("5.1.13", "Few may make tokens of service accounts", (s, ct) => RolesAsync(s, ["create"], "", "serviceaccounts/token", ct)),
        new("5.2.1-5.2.12", "A policy says what Pods may do on their node", async (s, ct) =>
        {
            var open = (await s.Client.ListAsync<Namespace>(ListQuery.All, ct)).Items
                .Where(n => !s_ours.Contains(n.Metadata.Name) && n.Metadata.Labels[Enforce] is null or "privileged").Select(n => n.Metadata.Name).ToList();
            return open.Count == 0 ? CisFinding.Pass("each namespace of users enforces a Pod security level")
                : CisFinding.Manual("none is enforced in " + Few(open), $"kubectl label namespace NAME {Enforce}=baseline (or restricted)");
        }),
        new("5.3.1", "The Pod network keeps NetworkPolicies", (s, _) => Task.FromResult(s.Settings.ControlPlaneOnly ? CisFiles.NoNode : CisFinding.Pass("the node's rules keep them"))),
        new("5.3.2", "Every namespace says who may talk to its Pods", async (s, ct) =>
        {
            var said = (await s.Client.ListAsync<NetworkPolicy>(ListQuery.All, ct)).Items.Select(p => p.Metadata.Namespace).ToHashSet();
            var silent = (await s.Client.ListAsync<Namespace>(ListQuery.All, ct)).Items.Select(n => n.Metadata.Name).Where(n => !s_ours.Contains(n) && !said.Contains(n)).ToList();
            return silent.Count == 0 ? CisFinding.Pass("each has a NetworkPolicy") : CisFinding.Manual("no NetworkPolicy in " + Few(silent), "deny by default, then allow what is needed");
        }),
        new("5.4.1", "Secrets are files rather than variables", async (s, ct) =>
        {
            var pods = (await s.Client.ListAsync<Pod>(ListQuery.All, ct)).Items
                .Where(p => p.Spec.Containers.Exists(c => c.Env.Exists(e => e.ValueFrom?.SecretKeyRef is not null) || c.EnvFrom.Exists(e => e.SecretRef is not null)))
                .Select(p => $"{p.Metadata.Namespace}/{p.Metadata.Name}").ToList();
            return pods.Count == 0 ? CisFinding.Pass("no Pod has a Secret among its variables") : CisFinding.Manual("variables from Secrets: " + Few(pods), "mount them as files");
        }),
        new("5.4.2", "Secrets may live outside of the cluster", (s, _) => Task.FromResult(
            s.Settings.Flags.EncryptionConfig is { } file && File.ReadAllText(file).Contains("kms:", StringComparison.Ordinal) ? CisFinding.Pass($"{file} has their key kept by a KMS plugin")
            : CisFinding.Manual("they are kept, encrypted, in the cluster's store", "a KMS plugin keeps the key elsewhere: --encryption-provider-config"))),
        new("5.5.1", "Images are looked at before they run", (s, _) => Task.FromResult(
            s.Settings.Flags.Admission().Enable.Contains("ImagePolicyWebhook") ? CisFinding.Pass("ImagePolicyWebhook asks about each")
                : CisFinding.Manual("nothing asks where images are from", "refuse unknown registries by a ValidatingAdmissionPolicy"))),
        new("5.6.1, 5.6.4", "Nothing runs in the namespace default", async (s, ct) =>
        {
            int pods = (await s.Client.ListAsync<Pod>(ListQuery.All with { Namespace = "default" }, ct)).Items.Count;
            return pods == 0 ? CisFinding.Pass("there is no Pod in it") : CisFinding.Manual($"there are {pods} Pods in it", "give each application a namespace");
        }),
        new("5.6.2, 5.6.3", "Pods say under whom and with what they run", async (s, ct) =>
        {
            var silent = (await s.Client.ListAsync<Pod>(ListQuery.All, ct)).Items
                .Where(p => !s_ours.Contains(p.Metadata.Namespace) && IsSilent(p.Spec.SecurityContext, PodSecurityContext.Empty)
                    && p.Spec.Containers.Exists(c => IsSilent(c.SecurityContext, SecurityContext.Empty)))
                .Select(p => $"{p.Metadata.Namespace}/{p.Metadata.Name}").ToList();
            return silent.Count == 0 ? CisFinding.Pass("each has a security context") : CisFinding.Manual("none in " + Few(silent), "set runAsNonRoot, drop capabilities");
        }),
    ];

    static bool IsSystem(string name) => name.StartsWith("system:", StringComparison.Ordinal) || name is "admin" or "edit" or "view";

    /// <summary>Defaults put an empty one into each Pod.</summary>
    static bool IsSilent<T>(T? context, T empty) where T : class => context is null || context.Equals(empty);

    static string Few(List<string> names) => string.Join(", ", names.Take(5)) + (names.Count > 5 ? $" and {names.Count - 5} more" : "");

    static async Task<CisFinding> RolesAsync(CisSight s, string[] verbs, string group, string resource, CancellationToken ct) =>
        Judged(await UsersRolesAsync(s, u => (u.ApiGroups.Contains(group) || u.ApiGroups.Contains("*")) && (u.Resources.Contains(resource) || u.Resources.Contains("*"))
            && (u.Verbs.Contains("*") || verbs.Any(v => u.Verbs.Contains(v))), ct), "take it out where it is not needed");

    static CisFinding Judged(List<string> roles, string mend) =>
        roles.Count == 0 ? CisFinding.Pass("only roles that Kubernetes has itself do") : CisFinding.Manual("roles of users do: " + Few(roles), mend);

    /// <summary>Roles beyond Kubernetes' own of which a rule is such.</summary>
    static async Task<List<string>> UsersRolesAsync(CisSight s, Func<PolicyRule, bool> such, CancellationToken ct) =>
        [.. (await s.Client.ListAsync<ClusterRole>(ListQuery.All, ct)).Items.Where(r => !IsSystem(r.Metadata.Name) && r.Metadata.Name != "cluster-admin" && r.Rules.Exists(such)).Select(r => r.Metadata.Name),
            .. (await s.Client.ListAsync<Role>(ListQuery.All, ct)).Items.Where(r => !IsSystem(r.Metadata.Name) && r.Rules.Exists(such)).Select(r => $"{r.Metadata.Namespace}/{r.Metadata.Name}")];
}
