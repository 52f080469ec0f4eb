using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Shows fields of the Pod itself as files.</summary>
sealed class DownwardApiPlugin(VolumeContext context) : ContentPlugin(context)
{
    public override string Name => "kubernetes.io/downward-api";

    public override bool Serves(Volume volume) => volume.DownwardAPI is not null;

    protected override Task<List<ContentFile>> FilesAsync(Pod pod, Volume volume, CancellationToken ct) =>
        Task.FromResult(Files(pod, volume.DownwardAPI!.Items, volume.DownwardAPI.DefaultMode, Context.Objects.Node));

    /// <exception cref="VolumeException">A field or resource does not exist.</exception>
    public static List<ContentFile> Files(Pod pod, Seq<DownwardAPIVolumeFile> items, int? defaultMode, Node? node)
    {
        List<ContentFile> files = [];
        foreach (var item in items)
        {
            try
            {
                string value = item.FieldRef is { } field ? PodFields.Value(pod, field.FieldPath)
                    : item.ResourceFieldRef is { } resource ? ContainerResources.Value(pod, resource, null, node)
                    : "";
                files.Add(new(item.Path, Bytes.FromText(value), ContentFiles.ModeOr(item.Mode ?? defaultMode)));
            }
            catch (ContainerConfigException e) { throw new VolumeException(e.Message, e); }
        }
        return files;
    }
}
