using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth.Rbac;

/// <summary>Allows what roles bound to the user allow.</summary>
/// <remarks>
/// A user's rules are put into tables once and used until a role or binding changes; authenticators give the same <see cref="Identity"/> object for the
/// same credentials, so that the tables hang on it and go with it. Bound: 256 namespaces per user.
/// </remarks>
public sealed class RbacAuthorizer : IAuthorizer
{
    const int MostNamespaces = 256;

    readonly RbacIndex _index;
    readonly ConditionalWeakTable<Identity, Tables> _tables = [];

    internal RbacAuthorizer(RbacIndex index) => _index = index;

    sealed record Tables(int Version, RuleTable Everywhere)
    {
        public ConcurrentDictionary<string, RuleTable> ByNamespace { get; } = new();
    }

    public async ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct)
    {
        await _index.RefreshAsync(ct).ConfigureAwait(false);
        var tables = TablesOf(attributes.User);
        if (tables.Everywhere.Find(attributes) is { } grant) return Allowed(grant);
        if (attributes.Namespace.Length == 0 || !attributes.IsResourceRequest) return Refused(tables.Everywhere.Errors);
        var here = In(tables, attributes.User, attributes.Namespace);
        return here.Find(attributes) is { } local ? Allowed(local) : Refused([.. tables.Everywhere.Errors, .. here.Errors]);
    }

    static Decision Allowed(Grant grant) => Decision.Allow(grant.Why);

    static Decision Refused(IReadOnlyList<string> errors) => Decision.NoOpinion(errors.Count switch
    {
        0 => "",
        1 => "RBAC: " + errors[0],
        _ => "RBAC: [" + string.Join(", ", errors.Distinct()) + "]",
    });

    Tables TablesOf(Identity user)
    {
        int version = _index.Version;
        if (_tables.TryGetValue(user, out var known) && known.Version == version) return known;
        var tables = new Tables(version, new(_index.GrantsOf(user, ""), _index));
        _tables.AddOrUpdate(user, tables);
        return tables;
    }

    RuleTable In(Tables tables, Identity user, string ns)
    {
        if (tables.ByNamespace.TryGetValue(ns, out var table)) return table;
        if (tables.ByNamespace.Count >= MostNamespaces) tables.ByNamespace.Clear();
        return tables.ByNamespace[ns] = new(_index.GrantsOf(user, ns), _index);
    }

    /// <summary>All that a user may do in a namespace (and everywhere), and the roles that are missing.</summary>
    internal async ValueTask<(IReadOnlyList<PolicyRule> Rules, IReadOnlyList<string> Errors)> RulesOfAsync(Identity user, string ns, CancellationToken ct)
    {
        await _index.RefreshAsync(ct).ConfigureAwait(false);
        var tables = TablesOf(user);
        if (ns.Length == 0) return (tables.Everywhere.Rules, tables.Everywhere.Errors);
        var here = In(tables, user, ns);
        return ([.. tables.Everywhere.Rules, .. here.Rules], [.. tables.Everywhere.Errors, .. here.Errors]);
    }

    /// <returns>Null when there is no such role.</returns>
    internal async ValueTask<IReadOnlyList<PolicyRule>?> RulesOfRoleAsync(RoleRef role, string ns, CancellationToken ct)
    {
        await _index.RefreshAsync(ct).ConfigureAwait(false);
        return _index.RulesOf(new(role.Kind == "Role" ? ns : "", role.Name)) is { } rules ? rules.ToArray() : null;
    }
}
