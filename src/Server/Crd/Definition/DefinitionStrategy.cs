using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Crd.Structure;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Crd.Definition;

/// <summary>How CustomResourceDefinitions themselves are written: their defaults, the versions they are stored in, and that they outlive their objects.</summary>
sealed class DefinitionStrategy() : Strategy(CustomResourceDefinition.Info)
{
    public override IObject Default(IObject obj)
    {
        var crd = (CustomResourceDefinition)base.Default(obj);
        var (spec, names) = (crd.Spec, crd.Spec.Names);
        if (names.Singular.Length == 0) names = names with { Singular = names.Kind.ToLowerInvariant() };
        if (names.ListKind.Length == 0 && names.Kind.Length > 0) names = names with { ListKind = names.Kind + "List" };
        var conversion = spec.Conversion ?? new() { Strategy = "None" };
        if (conversion.Webhook?.ClientConfig?.Service is { Port: null } service)
            conversion = conversion with { Webhook = conversion.Webhook with { ClientConfig = conversion.Webhook.ClientConfig with { Service = service with { Port = 443 } } } };
        return crd with
        {
            Spec = spec with { Names = names, Conversion = conversion },
            // As upstream: clients without pointers choke on null.
            Status = crd.Status with { Conditions = crd.Status.Conditions.IsNil ? [] : crd.Status.Conditions, StoredVersions = crd.Status.StoredVersions.IsNil ? [] : crd.Status.StoredVersions },
        };
    }

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var crd = (CustomResourceDefinition)base.PrepareForCreate(obj, context);
        return Stored(crd with { Status = new() { Conditions = [], StoredVersions = [] } });
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var crd = (CustomResourceDefinition)base.PrepareForUpdate(obj, old, context);
        return context.Subresource.Length == 0 ? Stored(crd) : crd;
    }

    /// <summary>The storage version joins those that objects may be stored in; only a client that migrated them takes one away.</summary>
    static CustomResourceDefinition Stored(CustomResourceDefinition crd) =>
        crd.Spec.Versions.Find(v => v.Storage) is { } version && !crd.Status.StoredVersions.Contains(version.Name)
            ? crd with { Status = crd.Status with { StoredVersions = crd.Status.StoredVersions.Add(version.Name) } } : crd;

    public override IReadOnlyList<FieldError> ValidateServed(IObject body) => body is Api.Apiextensions.V1beta1.CustomResourceDefinition old ? OldDefinitionRules.Check(old) : [];

    public override IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context) => [.. base.Validate(obj, context), .. DefinitionRules.Create((CustomResourceDefinition)obj, IsOld(context))];

    public override IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context) =>
        [
            .. base.ValidateUpdate(obj, old, context),
            .. DefinitionRules.Update((CustomResourceDefinition)obj, (CustomResourceDefinition)old, context.Subresource, IsOld(context)),
            .. Bundle((CustomResourceDefinition)obj, (CustomResourceDefinition)old),
        ];

    /// <summary>What is served goes on being served: it may not come to trust nobody.</summary>
    static FieldError[] Bundle(CustomResourceDefinition crd, CustomResourceDefinition old) =>
        DefinitionStatus.IsTrue(old, "Established") && ConversionRules.WrongBundle(old.Spec.Conversion) is null && ConversionRules.WrongBundle(crd.Spec.Conversion) is { } wrong
            ? [wrong with { Field = "spec.conversion.webhookClientConfig.caBundle" }] : [];

    /// <summary>v1beta1 did not ask for a schema, nor for one that tells the whole shape, as long as unknown fields were kept.</summary>
    static bool IsOld(WriteContext context) => context.Version == "v1beta1";

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old)
    {
        var known = old is CustomResourceDefinition was ? UnknownFormats(was).ToHashSet() : [];
        return [.. UnknownFormats((CustomResourceDefinition)obj).Distinct().Where(f => !known.Contains(f)).Select(f => $"unrecognized format {FieldError.Quoted(f)}")];
    }

    /// <summary>Formats that no value is held against: often somebody meant another.</summary>
    static IEnumerable<string> UnknownFormats(CustomResourceDefinition crd) =>
        from version in crd.Spec.Versions
        where version.Schema?.OpenAPIV3Schema is not null
        from node in Structural.Of(version.Schema!.OpenAPIV3Schema!).All()
        where node.Props.Format.Length > 0 && !Formats.IsKnown(node.Type, node.Props.Format)
        select node.Props.Format;

    /// <summary>A definition always stays until its objects are gone: the delete itself gives it the finalizer.</summary>
    public override bool IsHeld(IObject obj) => obj.Metadata.DeletionTimestamp is null || base.IsHeld(obj);

    public override IObject OnDeleting(IObject obj)
    {
        var crd = (CustomResourceDefinition)obj;
        if (crd.Metadata.DeletionTimestamp is not { } at || DefinitionStatus.Find(crd.Status.Conditions, "Terminating") is not null) return crd;
        var finalizers = crd.Metadata.Finalizers;
        return crd with
        {
            Metadata = crd.Metadata with { Finalizers = finalizers.Contains(DefinitionStatus.Finalizer) ? finalizers : finalizers.Add(DefinitionStatus.Finalizer) },
            Status = crd.Status with
            {
                Conditions = DefinitionStatus.Set(crd.Status.Conditions, DefinitionStatus.Condition("Terminating", "True", "InstanceDeletionPending",
                    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"), at),
            },
        };
    }
}
