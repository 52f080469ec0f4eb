using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry;

/// <summary>What is particular to a kind on its way into the store. Derive from <see cref="Strategy"/>; most kinds need no own one.</summary>
/// <remarks>Objects are immutable: what changes one returns the changed one.</remarks>
public interface IStrategy
{
    /// <summary>Sets what upstream's defaulting sets. Called for every decoded body and patch result, before admission.</summary>
    IObject Default(IObject obj);

    /// <summary>Drops what a client may not set at creation (status), after mutating admission.</summary>
    IObject PrepareForCreate(IObject obj, WriteContext context);

    /// <summary>Keeps what this (sub)resource's update may not change, and bumps the generation.</summary>
    IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context);

    /// <summary>What is wrong with an object of a version that is served and cannot be seen any more in the one that is stored.</summary>
    IReadOnlyList<FieldError> ValidateServed(IObject body);
    IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context);
    IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context);

    /// <summary>Texts for <c>Warning</c> headers about something valid but ill-advised.</summary>
    IReadOnlyList<string> Warnings(IObject obj, IObject? old);

    /// <summary>PUT of an object that does not exist creates it.</summary>
    bool AllowCreateOnUpdate { get; }
    /// <summary>PUT without resourceVersion overwrites.</summary>
    bool AllowUnconditionalUpdate { get; }

    /// <summary>Seconds between a delete request and the object's end; null for kinds that end at once (upstream: no graceful strategy).</summary>
    /// <param name="options">What the client asked for.</param>
    long? GracePeriod(IObject obj, DeleteOptions options);

    /// <summary>Finalizers keep the object although it is deleted.</summary>
    bool IsHeld(IObject obj);
    /// <summary>The object as it is from the delete to its end, such as with phase Terminating.</summary>
    IObject OnDeleting(IObject obj);

    /// <summary>Whether dependents are orphaned when a delete does not say: only kinds that predate garbage collection do.</summary>
    bool OrphansByDefault { get; }
    /// <summary>Whether anything can depend on it; a delete of what nothing depends on does not wait for dependents, whatever is asked.</summary>
    bool HasDependents { get; }

    /// <summary>Fields that field selectors may name besides <c>metadata.name</c> and <c>metadata.namespace</c>; the first ones are worth an index.</summary>
    IReadOnlyList<string> SelectableFields { get; }
    /// <summary>The selectable field that a group's version calls so; null where it has none of that name.</summary>
    string? SelectableField(GroupVersion version, string label);
    /// <summary>A field's value for selectors; empty when unset.</summary>
    string Field(IObject obj, string name);

    /// <summary>After the write is stored and before it is answered.</summary>
    ValueTask AfterCreateAsync(IObject obj, CancellationToken ct);
    ValueTask AfterUpdateAsync(IObject obj, IObject old, CancellationToken ct);
    ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct);
}

/// <summary>Circumstances of a write.</summary>
public sealed record WriteContext
{
    public required Identity User { get; init; }
    /// <summary>Empty for the object itself.</summary>
    public string Subresource { get; init; } = "";
    /// <summary>The version that is written through, which need not be the stored one.</summary>
    public string Version { get; init; } = "";
    public required DateTimeOffset Now { get; init; }
    public bool DryRun { get; init; }
}
