using Hanbae.Kit.Containerd;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

public abstract partial class CriSpec
{
    [SpecFact]
    public async Task An_image_is_found_by_name_short_name_and_id()
    {
        var image = (await Cri.ImageStatusAsync(new() { Image = SpecImage.Done }, false, Never)).Image;
        Assert.Equal([SpecImage.Done], image.RepoTags);
        Assert.StartsWith("sha256:", image.Id);
        Assert.True(image.Size > 0);
        Assert.Equal(image.Id, (await Cri.ImageStatusAsync(new() { Image = "spec/done:1" }, false, Never)).Image.Id);
        Assert.Equal(image.Id, (await Cri.ImageStatusAsync(new() { Image = image.Id }, false, Never)).Image.Id);
        Assert.Contains(await Cri.ListImagesAsync(Never), i => i.Id == image.Id);
    }

    [SpecFact]
    public async Task An_image_that_is_not_there_is_no_image()
    {
        Assert.Null((await Cri.ImageStatusAsync(new() { Image = "none:1" }, false, Never)).Image);
        Assert.Null((await Cri.ImageStatusAsync(new() { Image = "UPPER:::" }, false, Never)).Image);
        await Cri.RemoveImageAsync(new() { Image = "none:1" }, Never);
        await FailsAsync(GrpcStatus.Unknown, "can not resolve \"\" locally: ambiguous digest string", () => Cri.ImageStatusAsync(new(), false, Never));
    }

    [SpecFact]
    public async Task A_removed_image_is_gone_but_not_for_what_runs_from_it()
    {
        var (_, id) = await StartAsync(SpecImage.Spare);
        var image = (await Cri.ImageStatusAsync(new() { Image = SpecImage.Spare }, false, Never)).Image;
        await Cri.RemoveImageAsync(new() { Image = image.Id }, Never);
        Assert.Null((await Cri.ImageStatusAsync(new() { Image = SpecImage.Spare }, false, Never)).Image);
        Assert.Equal(SpecImage.Spare, (await StatusAsync(id)).Image.Image);
    }

    [SpecFact]
    public async Task The_image_file_system_has_a_place()
    {
        var usage = Assert.Single((await Cri.ImageFsInfoAsync(Never)).ImageFilesystems);
        Assert.StartsWith("/", usage.FsId.Mountpoint);
        Assert.NotNull(usage.UsedBytes);
    }
}
