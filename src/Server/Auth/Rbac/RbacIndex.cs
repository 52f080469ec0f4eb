using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rbac.V1;
using Hanbae.Server.Cache;
using Taken = (Hanbae.Server.Cache.Sorted? ClusterRoles, Hanbae.Server.Cache.Sorted? Roles, Hanbae.Server.Cache.Sorted? ClusterBindings, Hanbae.Server.Cache.Sorted? Bindings);

namespace Hanbae.Server.Auth.Rbac;

/// <summary>Where a role is; of a ClusterRole the namespace is empty.</summary>
readonly record struct RoleKey(string Namespace, string Name);

/// <summary>One subject's part in one binding.</summary>
/// <param name="Namespace">Where it grants; empty for everywhere.</param>
sealed record Grant(string Namespace, string Binding, RoleRef Role, Subject Subject)
{
    public RoleKey RoleKey { get; } = new(Role.Kind == "Role" ? Namespace : "", Role.Name);

    /// <summary>As upstream says why something is allowed; made once, since every decision says it.</summary>
    public string Why { get; } = "RBAC: allowed by "
        + (Namespace.Length == 0 ? $"ClusterRoleBinding \"{Binding}\"" : $"RoleBinding \"{Binding}/{Namespace}\"") + $" of {Role.Kind} \"{Role.Name}\" to {Subject.Kind} \""
        + (Subject.Kind != "ServiceAccount" ? Subject.Name : Subject.Name + "/" + (Subject.Namespace.Length > 0 ? Subject.Namespace : Namespace)) + "\"";
}

/// <summary>Finds what is bound to a user without looking at every binding.</summary>
/// <remarks>
/// Kept from the snapshots of the server's own caches: as long as those are the same objects, nothing changed; otherwise only objects that differ
/// are taken out and put in. So a decision sees every role and binding that was written before it.
/// </remarks>
sealed class RbacIndex(ServedObjects objects)
{
    readonly SemaphoreSlim _gate = new(1, 1);
    readonly ConcurrentDictionary<RoleKey, Seq<PolicyRule>> _rules = new();
    readonly ConcurrentDictionary<(string Namespace, string Subject), ImmutableArray<Grant>> _grants = new();
    volatile Snapshots _known = new(default);
    int _version;

    /// <summary>How many grants were looked at so far: what work is counted by in tests.</summary>
    internal long Looked;

    /// <summary>Changes whenever a rule or a binding does.</summary>
    public int Version => Volatile.Read(ref _version);

    public async ValueTask RefreshAsync(CancellationToken ct)
    {
        if (IsCurrent(await TakeAsync(ct).ConfigureAwait(false))) return;
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            // Taken anew, one after the other: nobody can put back what a later one has taken out.
            var now = await TakeAsync(ct).ConfigureAwait(false);
            if (IsCurrent(now)) return;
            Apply(_known.Of.ClusterRoles, now.ClusterRoles, (item, there) => Put(item, ((ClusterRole)item.Object).Rules, there));
            Apply(_known.Of.Roles, now.Roles, (item, there) => Put(item, ((Role)item.Object).Rules, there));
            Apply(_known.Of.ClusterBindings, now.ClusterBindings, (item, there) => Put((ClusterRoleBinding)item.Object, there));
            Apply(_known.Of.Bindings, now.Bindings, (item, there) => Put((RoleBinding)item.Object, there));
            Volatile.Write(ref _version, _version + 1);
            _known = new(now);
        }
        finally { _gate.Release(); }
    }

    /// <summary>What the index was made of.</summary>
    sealed record Snapshots(Taken Of);

    async ValueTask<Taken> TakeAsync(CancellationToken ct) =>
        (await objects.SnapshotAsync<ClusterRole>(ct).ConfigureAwait(false), await objects.SnapshotAsync<Role>(ct).ConfigureAwait(false),
            await objects.SnapshotAsync<ClusterRoleBinding>(ct).ConfigureAwait(false), await objects.SnapshotAsync<RoleBinding>(ct).ConfigureAwait(false));

    bool IsCurrent(Taken now) =>
        _known.Of is var known && ReferenceEquals(now.ClusterRoles, known.ClusterRoles) && ReferenceEquals(now.Roles, known.Roles)
        && ReferenceEquals(now.ClusterBindings, known.ClusterBindings) && ReferenceEquals(now.Bindings, known.Bindings);

    /// <summary>What is gone is taken out, what is new put in.</summary>
    static void Apply(Sorted? known, Sorted? now, Action<Item, bool> put)
    {
        if (ReferenceEquals(known, now)) return;
        foreach (var (old, fresh) in Sorted.Differences(known ?? Sorted.Empty, now ?? Sorted.Empty))
        {
            if (old is not null) put(old, false);
            if (fresh is not null) put(fresh, true);
        }
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
        Looked++;
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
        foreach (var grant in _grants.GetValueOrDefault((ns, UserKey(user.Name)), []))
        {
            Looked++;
            yield return grant;
        }
        foreach (string group in user.Groups)
            foreach (var grant in _grants.GetValueOrDefault((ns, GroupKey(group)), []))
            {
                Looked++;
                yield return grant;
            }
    }

    /// <returns>Null when there is no such role.</returns>
    public Seq<PolicyRule>? RulesOf(RoleKey role) => _rules.TryGetValue(role, out var rules) ? rules : default(Seq<PolicyRule>?);
}
