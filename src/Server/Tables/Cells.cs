using Hanbae.Api;
using Hanbae.Api.Schema;

namespace Hanbae.Server.Tables;

/// <summary>Fills a row from an object of one type; tables are lists of these.</summary>
sealed class Cells<T>(Action<T, IRow> write) : ITable where T : class, IObject<T>
{
    public void Write(IObject obj, IRow row) => write((T)obj, row);

    public string Describe(ApiColumn column) => ColumnWords.Of(column.Name);
}

/// <summary>Shows an object as another version of its kind shows it: upstream prints all versions from one internal form.</summary>
sealed class ConvertedCells(KindInfo kind, ITable table) : ITable
{
    public void Write(IObject obj, IRow row) => table.Write(Registry.Convert.To(obj, kind), row);

    public string Describe(ApiColumn column) => table.Describe(column);
}
