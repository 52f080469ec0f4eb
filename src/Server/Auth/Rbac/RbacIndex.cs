using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rbac.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Rbac;

/// <summary>Where a role is; of a ClusterRole the namespace is empty.</summary>
readonly record struct RoleKey(string Namespace, string Name);

/// <summary>One subject's part in one binding.</summary>
/// <param name="Namespace">Where it grants; empty for everywhere.</param>
sealed record Grant(string Namespace, string Binding, RoleRef Role, Subject Subject)
{
    public RoleKey RoleKey => new(Role.Kind == "Role" ? Namespace : "", Role.Name);

    /// <summary>As upstream says why something is allowed.</summary>
    public override string ToString()
    {
        string subject = Subject.Kind == "ServiceAccount" ? Subject.Name + "/" + (Subject.Namespace.Length > 0 ? Subject.Namespace : Namespace) : Subject.Name;
        string binding = Namespace.Length == 0 ? $"ClusterRoleBinding \"{Binding}\"" : $"RoleBinding \"{Binding}/{Namespace}\"";
        return $"{binding} of {Role.Kind} \"{Role.Name}\" to {Subject.Kind} \"{subject}\"";
    }
}

/// <summary>Finds what is bound to a user without looking at every binding.</summary>
/// <remarks>
/// Kept from the snapshots of the server's own caches: as long as those are the same objects, nothing changed; otherwise only objects that differ
/// are taken out and put in. So a decision sees every role and binding that was written before it.
/// </remarks>
sealed class RbacIndex(ServedObjects objects)
{
    readonly Lock _gate = new();
    readonly ConcurrentDictionary<RoleKey, Seq<PolicyRule>> _rules = new();
    readonly ConcurrentDictionary<(string Namespace, string Subject), ImmutableArray<Grant>> _grants = new();
    Sorted? _clusterRoles, _roles, _clusterBindings, _bindings;
    int _version;

    /// <summary>Changes whenever a rule or a binding does.</summary>
    public int Version => Volatile.Read(ref _version);

    public async ValueTask RefreshAsync(CancellationToken ct)
    {
        var clusterRoles = await objects.SnapshotAsync<ClusterRole>(ct).ConfigureAwait(false);
        var roles = await objects.SnapshotAsync<Role>(ct).ConfigureAwait(false);
        var clusterBindings = await objects.SnapshotAsync<ClusterRoleBinding>(ct).ConfigureAwait(false);
        var bindings = await objects.SnapshotAsync<RoleBinding>(ct).ConfigureAwait(false);
        if (ReferenceEquals(clusterRoles, _clusterRoles) && ReferenceEquals(roles, _roles) && ReferenceEquals(clusterBindings, _clusterBindings) && ReferenceEquals(bindings, _bindings)) return;
        lock (_gate)
        {
            Apply(ref _clusterRoles, clusterRoles, (item, there) => Put(item, ((ClusterRole)item.Object).Rules, there));
            Apply(ref _roles, roles, (item, there) => Put(item, ((Role)item.Object).Rules, there));
            Apply(ref _clusterBindings, clusterBindings, (item, there) => Put((ClusterRoleBinding)item.Object, there));
            Apply(ref _bindings, bindings, (item, there) => Put((RoleBinding)item.Object, there));
            Volatile.Write(ref _version, _version + 1);
        }
    }

    /// <summary>Walks both in key order: what is gone is taken out, what is new put in, what is the same object is passed over.</summary>
    static void Apply(ref Sorted? known, Sorted? now, Action<Item, bool> put)
    {
        if (ReferenceEquals(known, now)) return;
        var (old, fresh) = ((known ?? Sorted.Empty).Between("", ""), (now ?? Sorted.Empty).Between("", ""));
        bool hasOld = old.MoveNext(), hasFresh = fresh.MoveNext();
        while (hasOld || hasFresh)
        {
            int order = !hasOld ? 1 : !hasFresh ? -1 : string.CompareOrdinal(old.Current.Key, fresh.Current.Key);
            bool same = order == 0 && ReferenceEquals(old.Current, fresh.Current);
            if (order <= 0)
            {
                if (!same) put(old.Current, false);
                hasOld = old.MoveNext();
            }
            if (order >= 0)
            {
                if (!same) put(fresh.Current, true);
                hasFresh = fresh.MoveNext();
            }
        }
        known = now;
    }

    void Put(Item item, Seq<PolicyRule> rules, bool there)
    {
        var key = new RoleKey(item.Namespace.ToString(), item.Name.ToString());
        if (there) _rules[key] = rules;
        else _rules.TryRemove(key, out _);
    }

    void Put(ClusterRoleBinding binding, bool there)
    {
        foreach (var subject in binding.Subjects) Put(new Grant("", binding.Metadata.Name, binding.RoleRef, subject), there);
    }

    void Put(RoleBinding binding, bool there)
    {
        foreach (var subject in binding.Subjects) Put(new Grant(binding.Metadata.Namespace, binding.Metadata.Name, binding.RoleRef, subject), there);
    }

    void Put(Grant grant, bool there)
    {
        var key = (grant.Namespace, grant.Subject.Kind switch
        {
            "Group" => GroupKey(grant.Subject.Name),
            "ServiceAccount" => UserKey(Groups.ServiceAccountUser(grant.Subject.Namespace.Length > 0 ? grant.Subject.Namespace : grant.Namespace, grant.Subject.Name)),
            _ => UserKey(grant.Subject.Name),
        });
        var grants = _grants.GetValueOrDefault(key, []);
        grants = there ? grants.Add(grant) : grants.Remove(grant);
        if (grants.IsEmpty) _grants.TryRemove(key, out _);
        else _grants[key] = grants;
    }

    static string UserKey(string name) => "u:" + name;
    static string GroupKey(string name) => "g:" + name;

    /// <param name="ns">Empty for what is granted everywhere.</param>
    public IEnumerable<Grant> GrantsOf(Api.Rest.Identity user, string ns)
    {
        foreach (var grant in _grants.GetValueOrDefault((ns, UserKey(user.Name)), [])) yield return grant;
        foreach (string group in user.Groups)
            foreach (var grant in _grants.GetValueOrDefault((ns, GroupKey(group)), [])) yield return grant;
    }

    /// <returns>Null when there is no such role.</returns>
    public Seq<PolicyRule>? RulesOf(RoleKey role) => _rules.TryGetValue(role, out var rules) ? rules : default(Seq<PolicyRule>?);
}
