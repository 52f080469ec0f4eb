using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Convert;

namespace Hanbae.Server.Registry;

/// <summary>Objects between the version that is stored and those that are served.</summary>
static class Convert
{
    public static IObject To(IObject obj, KindInfo kind) => Versions.To(obj, kind);
}
