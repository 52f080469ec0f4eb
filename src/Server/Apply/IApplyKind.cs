using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;

namespace Hanbae.Server.Apply;

/// <summary>For kinds that are not built in: what apply has to know of them. A <see cref="KindInfo"/> that implements it is asked instead of <c>api/</c>.</summary>
public interface IApplyKind
{
    ApplyType ApplyType { get; }
    /// <summary>The other versions of the kind, itself included.</summary>
    IVersions Versions { get; }
    /// <summary>The fields that a write through that door changes; null for all.</summary>
    FieldFilter? FilterOf(string subresource);
}

/// <summary>What apply has to know of a kind, wherever it comes from.</summary>
static class ApplyKinds
{
    static readonly ConditionalWeakTable<KindInfo, byte[]> s_blanks = new();

    public static ApplyType TypeOf(KindInfo kind) => kind is IApplyKind own ? own.ApplyType : SchemaTypes.Of(kind.Schema);

    public static IVersions VersionsOf(KindInfo kind) => kind is IApplyKind own ? own.Versions : new BuiltInVersions(kind);

    public static FieldFilter? FilterOf(KindInfo kind, string subresource) => kind is IApplyKind own ? own.FilterOf(subresource) : ResetFields.Of(kind, subresource);

    /// <summary>An object of the kind with nothing set.</summary>
    public static byte[] BlankOf(KindInfo kind) => s_blanks.GetValue(kind, static k => k.ToJson(k.Decode("{}"u8)));

    sealed class BuiltInVersions(KindInfo kind) : IVersions
    {
        KindInfo? Find(string apiVersion) => apiVersion == kind.ApiVersion ? kind : GroupVersion.Parse(apiVersion) is { } version ? ApiData.Kind(version.Kind(kind.Kind)) : null;

        public ApplyType? TypeOf(string apiVersion) => Find(apiVersion) is { } found ? ApplyKinds.TypeOf(found) : null;

        public byte[] Convert(byte[] json, string from, string to)
        {
            var target = Find(to)!;
            return target.ToJson(Registry.Convert.To((IObject)Find(from)!.Decode(json), target));
        }
    }
}

/// <summary>Which fields a write through each door leaves as they are, so that nobody comes to own them by it.</summary>
static class ResetFields
{
    static readonly FieldFilter s_main = FieldFilter.Except("status"), s_status = FieldFilter.Except("spec"), s_statusOnly = FieldFilter.Except("metadata", "spec");
    static readonly FieldFilter s_podStatus = FieldFilter.Except("spec", "metadata.deletionTimestamp", "metadata.ownerReferences");
    static readonly FieldFilter s_deploymentStatus = FieldFilter.Except("spec", "metadata.labels");
    static readonly FieldFilter s_resize = new(set => set.Select(IsResize));

    public static FieldFilter? Of(KindInfo kind, string subresource) => subresource switch
    {
        "" => kind.Schema.Find("status") is null ? null : s_main,
        "status" or "approval" => kind.Kind switch
        {
            "Pod" => s_podStatus,
            "Deployment" => s_deploymentStatus,
            "APIService" or "DeviceTaintRule" or "FlowSchema" or "PodCertificateRequest" or "PriorityLevelConfiguration" or "ResourceClaim" or "ServiceCIDR"
                or "ValidatingAdmissionPolicy" or "VolumeAttachment" => s_statusOnly,
            _ => s_status,
        },
        "resize" => s_resize,
        "finalize" => s_main,
        _ => null,
    };

    /// <summary>Along <c>spec.containers[*].resources</c> and what belongs to it.</summary>
    static bool IsResize(PathElement element, int depth) => depth switch
    {
        0 => element.Text == "spec",
        1 => element.Text is "containers" or "initContainers",
        3 => element.Text is "resources" or "resizePolicy",
        _ => true,
    };
}
