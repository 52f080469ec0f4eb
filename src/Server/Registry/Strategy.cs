using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry;

/// <summary>What most kinds do: the main resource keeps the status, the status subresource keeps all else, a changed spec is a new generation.</summary>
public class Strategy(KindInfo kind) : IStrategy
{
    readonly Parts? _parts = Parts.Of(kind);

    protected KindInfo Kind { get; } = kind;

    public virtual IObject Default(IObject obj) => Defaults.Apply(obj);

    public virtual IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        if (_parts is not null) obj = _parts.WithoutStatus(obj);
        return Generation(obj, _parts is { Counts: true } ? 1 : 0);
    }

    public virtual IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        if (_parts is null) return Generation(obj, old.Metadata.Generation);
        if (context.Subresource is "status" or "approval" && _parts.HasStatus)
            return Generation(_parts.WithStatusOf(old, obj).WithMetadata(_parts.Resets ? Kept(obj.Metadata, old.Metadata) : obj.Metadata), old.Metadata.Generation);
        if (context.Subresource.Length == 0) obj = _parts.WithStatusOf(obj, old);
        return Generation(obj, _parts.Counts && !_parts.SameSpec(obj, old) ? old.Metadata.Generation + 1 : old.Metadata.Generation);
    }

    /// <summary>Upstream's ResetObjectMetaForStatus.</summary>
    protected static ObjectMeta Kept(ObjectMeta meta, ObjectMeta old) =>
        meta with { Labels = old.Labels, Annotations = old.Annotations, Finalizers = old.Finalizers, OwnerReferences = old.OwnerReferences };

    static IObject Generation(IObject obj, long generation) =>
        obj.Metadata.Generation == generation ? obj : obj.WithMetadata(obj.Metadata with { Generation = generation });

    public virtual IReadOnlyList<FieldError> ValidateServed(IObject body) => [];
    public virtual IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context) => Rules.Create(obj, obj.Metadata.Namespace.Length > 0);
    public virtual IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context) => Rules.Update(obj, old, context.Subresource);
    public virtual IReadOnlyList<string> Warnings(IObject obj, IObject? old) => [];

    public virtual bool AllowCreateOnUpdate => Catalog.CreatesOnUpdate(Kind);
    public virtual bool AllowUnconditionalUpdate => Catalog.UpdatesUnconditionally(Kind);
    public virtual long? GracePeriod(IObject obj, DeleteOptions options) => null;
    public virtual bool IsHeld(IObject obj) => !obj.Metadata.Finalizers.IsEmpty;
    public virtual IObject OnDeleting(IObject obj) => obj;
    public virtual bool OrphansByDefault => false;
    public virtual bool HasDependents => true;

    public virtual IReadOnlyList<string> SelectableFields => [];
    public virtual string? SelectableField(GroupVersion version, string label) => SelectableFields.Contains(label) ? label : null;
    public virtual string Field(IObject obj, string name) => name switch
    {
        "metadata.name" => obj.Metadata.Name,
        "metadata.namespace" => obj.Metadata.Namespace,
        _ => "",
    };

    public virtual ValueTask AfterCreateAsync(IObject obj, CancellationToken ct) => default;
    public virtual ValueTask AfterUpdateAsync(IObject obj, IObject old, CancellationToken ct) => default;
    public virtual ValueTask AfterDeleteAsync(IObject obj, CancellationToken ct) => default;
}
