using System.CommandLine;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Commands;

/// <summary><c>image pin</c> and <c>image unpin</c>: which images stay on the node whatever happens, as an air gap needs it.</summary>
static class ImagePin
{
    public static Command Pin() => Command("pin", "Keep images whatever the disk: garbage collection passes them over.", (pins, image) => "pinned " + pins.Pin(image));

    public static Command Unpin() => Command("unpin", "Let garbage collection have images again.", (pins, image) => "unpinned " + pins.Unpin(image));

    static Command Command(string name, string description, Func<PinnedImages, string, string> act)
    {
        var dataDir = Shared.DataDir();
        var images = new Argument<string[]>("IMAGE") { Description = "Names.", Arity = ArgumentArity.OneOrMore };
        var command = new Command(name, description) { images, dataDir };
        command.SetAction((parsed, ct) => Shared.RunAsync(() =>
        {
            var pins = new PinnedImages(NodePaths.Of(parsed.GetValue(dataDir)!).Kubelet);
            foreach (string image in parsed.GetValue(images)!) Console.WriteLine(act(pins, image));
            return Task.FromResult(Shared.Ok);
        }));
        return command;
    }
}
